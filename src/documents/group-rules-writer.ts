import { optionalAttribute, rawXml, type XmlMarkup, xml } from '../xml/writer.ts';
import {
  type GroupRule,
  type ManyIdentities,
  RIGHT_ELEMENTS,
  RIGHT_NAMES,
  type RuleConditions,
} from './group-model.ts';

/** Writes the `cr:ruleset`; the prefixes `cr` and `ocp` are bound by the document around it. */
export function formatRuleset(rules: readonly GroupRule[]): XmlMarkup | undefined {
  if (rules.length === 0) return undefined;
  return xml`    <cr:ruleset>\n${rules.map(formatRule)}    </cr:ruleset>\n`;
}

function formatRule({
  id,
  conditions,
  grant,
  otherActions = [],
  transformations = [],
}: GroupRule): XmlMarkup {
  const conditionLines = formatConditions(conditions);
  const actionLines = [
    ...RIGHT_NAMES.filter((name) => grant[name] !== undefined).map(
      (name) => `<${RIGHT_ELEMENTS[name]}>${grant[name]}</${RIGHT_ELEMENTS[name]}>`,
    ),
    ...otherActions,
  ];
  return xml`      <cr:rule id="${id}">
${block('cr:conditions', conditionLines)}${block('cr:actions', actionLines)}${block('cr:transformations', transformations)}      </cr:rule>
`;
}

/** Nothing for an empty list. */
function block(name: string, lines: readonly string[]): XmlMarkup | undefined {
  if (lines.length === 0) return undefined;
  return rawXml(
    `        <${name}>\n${lines.map((line) => `          ${line}\n`).join('')}        </${name}>\n`,
  );
}

function formatConditions(conditions: RuleConditions): string[] {
  const lines: string[] = [];
  const { identities, externalLists, validity, unknown = [] } = conditions;
  if (identities !== undefined) {
    const one = identities.one.map((uri) => xml`<cr:one id="${uri}"/>`);
    lines.push(xml`<cr:identity>${one}${identities.many.map(formatMany)}</cr:identity>`.markup);
  }
  if (conditions.members) lines.push('<is-list-member/>');
  if (externalLists !== undefined) {
    const entries = externalLists.map((anchor) => xml`<ocp:entry anc="${anchor}"/>`);
    lines.push(xml`<ocp:external-list>${entries}</ocp:external-list>`.markup);
  }
  if (conditions.others) lines.push('<ocp:other-identity/>');
  if (conditions.anonymous) lines.push('<ocp:anonymous-request/>');
  if (validity !== undefined) {
    const windows = validity.map(
      ({ fromMs, untilMs }) =>
        xml`<cr:from>${new Date(fromMs).toISOString()}</cr:from><cr:until>${new Date(untilMs).toISOString()}</cr:until>`,
    );
    lines.push(xml`<cr:validity>${windows}</cr:validity>`.markup);
  }
  return [...lines, ...unknown];
}

function formatMany({ domain, exceptUris, exceptDomains }: ManyIdentities): XmlMarkup {
  const excepts = [
    ...exceptUris.map((uri) => xml`<cr:except id="${uri}"/>`),
    ...exceptDomains.map((name) => xml`<cr:except domain="${name}"/>`),
  ];
  return xml`<cr:many${optionalAttribute('domain', domain)}>${excepts}</cr:many>`;
}
