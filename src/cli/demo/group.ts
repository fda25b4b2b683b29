/** The pre-defined group of the demo, as an operator's XDM server holds it (OMA group document). */

export const DOMAIN = 'parley.localhost';
export const GROUP_URI = `sip:harbour-crew@${DOMAIN}`;
export const GROUP_NAME = 'Harbour crew';

const MEMBERS = ['Ben', 'Cleo', 'Dan'];

export function uriOf(name: string): string {
  return `sip:${name.toLowerCase()}@${DOMAIN}`;
}

export const GROUP_DOCUMENT = `<?xml version="1.0" encoding="UTF-8"?>
<group xmlns="urn:oma:xml:poc:list-service" xmlns:rl="urn:ietf:params:xml:ns:resource-lists"
       xmlns:cr="urn:ietf:params:xml:ns:common-policy">
  <list-service uri="${GROUP_URI}">
    <display-name>${GROUP_NAME}</display-name>
    <list>
${MEMBERS.map((name) => `      <entry uri="${uriOf(name)}"><rl:display-name>${name}</rl:display-name></entry>`).join('\n')}
    </list>
    <invite-members>true</invite-members>
    <max-participant-count>10</max-participant-count>
    <cr:ruleset>
      <cr:rule id="members">
        <cr:conditions><is-list-member/></cr:conditions>
        <cr:actions>
          <allow-initiate-conference>true</allow-initiate-conference>
          <join-handling>true</join-handling>
          <allow-conference-state>true</allow-conference-state>
        </cr:actions>
      </cr:rule>
    </cr:ruleset>
  </list-service>
</group>
`;
