/** Which screen a route has. */
import { html } from 'lit-html';
import type { Context, Screen } from '../shell/context.ts';
import type { Route } from '../shell/routes.ts';
import { AuditScreen } from './audit.ts';
import { DecisionsScreen } from './decisions.ts';
import { ExplainScreen } from './explain.ts';
import { GroupScreen } from './group.ts';
import { GroupsScreen } from './groups.ts';
import { overview } from './overview.ts';
import { PoliciesScreen } from './policies.ts';
import { SessionScreen } from './session.ts';

export function screenOf(route: Route, context: Context): Screen {
  switch (route.name) {
    case 'live':
      return overview(context);
    case 'session':
      return new SessionScreen(context, route.id);
    case 'decisions':
      return new DecisionsScreen(context, route.query);
    case 'explain':
      return new ExplainScreen(context);
    case 'groups':
      return new GroupsScreen(context);
    case 'group':
      return new GroupScreen(context, route.uri);
    case 'new-group':
      return new GroupScreen(context, undefined);
    case 'policy':
      return new PoliciesScreen(context);
    case 'audit':
      return new AuditScreen(context);
    case 'unknown':
      return nowhere();
  }
}

function nowhere(): Screen {
  return {
    title: 'Not here',
    view: () => html`<div class="screen"><div class="empty"><h1 tabindex="-1">There is nothing at this address.</h1>
      <p>Go to the <a href="#/">live view</a>.</p></div></div>`,
  };
}
