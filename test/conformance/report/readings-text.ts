/**
 * What each reading (A-1 …) that a statement names comes to, in one sentence. The readings that are settings are told
 * apart by src/focus/readings.ts; all others have no alternative in the product.
 */
export const READING_TEXTS: Readonly<Record<string, string>> = {
  'A-1': '7.2.1.1 is a sub-procedure: it runs where another clause calls it, for a 200 to an initial INVITE.',
  'A-2': 'The focus and its session identity exist before the first invitation leaves.',
  'A-3':
    'isfocus counts as a parameter of the Contact header field and of its URI; it is sent as the former, as RFC 3840 has it.',
  'A-4':
    "P-Asserted-Identity of a response is the server's own: the factory dialled, or the group, also when privacy is asked for.",
  'A-5':
    'One change is one NOTIFY for each subscriber, after the 200; changes shortly after one another may share one.',
  'A-6':
    'Session-Expires has refresher=uac for every client; Require: timer only for one that knows timers; too short an interval gets 422, or is raised.',
  'A-7': 'Server stands in every response, provisional ones included.',
  'A-8': 'Checks are answered in the order 404, 403, 488, 486; a refusal leaves no session behind.',
  'A-9':
    'Without an asserted or authenticated identity the answer is 403 with a Warning; From proves nothing.',
  'A-10':
    "The ad-hoc maximum counts distinct users of the list without the inviter's own entry, and the inviter.",
  'A-11': 'A missing, empty or malformed list gets 400 with a Warning; an unknown Require 420.',
  'A-12': 'Warning is `399 host "text"` with the text of the specification, compared without case.',
  'A-13': 'The MSRP line that was selected is the one chosen at the check of the offer.',
  'A-14':
    'Who answers after the first one is acknowledged, attached, counted and announced all the same; the inviter gets no second 200.',
  'A-15':
    'All failed means: nobody invited is connected and none can come any more; an inviter who was answered is then removed. A redirection counts as a failure.',
  'A-16':
    'The final code of a set-up that failed is the lowest received, or by setting the highest class or a fixed one.',
  'A-17':
    'An INVITE to a group is a set-up (7.2.1.3) when no session runs, and a joining (7.2.1.4) when one does.',
  'A-18': 'With nobody to invite the initiator is answered at once, else when the first member answers.',
  'A-19': "For who joins, accept-types come from the offer and the running session's types.",
  'A-20': 'A step that the text leaves open at its end is read as complete.',
  'A-21':
    'A History Function is known by its configured, asserted address; it takes no seat, and enters a full session when Referred-By names a participant.',
  'A-22':
    'Without max-participant-count the default of the server applies, which is no limit unless it is set; full means the count is reached; two devices of one user take one seat.',
  'A-23': 'The switch takes part for who joins a running session as well.',
  'A-24': 'The accept-types rule is part of the SDP answer that the step before asks for.',
  'A-25': 'Privacy is served in ad-hoc sessions too, unless the operator does not allow it.',
  'A-26':
    'Ad-hoc set-up is authorised by the policy of the operator: by default every authenticated user may.',
  'A-27': 'A session that is gone is answered 403, or 404 by setting.',
  'A-28': 'The general procedure meant here is 7.2.1.1.',
  'A-29':
    'Rejoining an ad-hoc session looks at no maximum; adding to a group session looks at its max-participant-count.',
  'A-30': 'isfocus in Contact is not looked at when a session is rejoined.',
  'A-31':
    'One 200 serves a new offer and a refresh at once; without a body the offer comes in the 200; two at one moment get 491.',
  'A-32': 'A REFER that is taken gets 202.',
  'A-33': 'REFER is taken in the dialog of the INVITE and outside; Supported: norefersub is there in both.',
  'A-34':
    'Of a list the users that may be added are invited and the others reported; only when none may be added the answer is 403. Who is in the session counts as reached.',
  'A-35':
    'A list REFER with a subscription gets a NOTIFY for each result, and the last one ends it; a malformed list gets 400.',
  'A-36': 'REFER with a method other than INVITE and BYE gets 501, or 403 by setting.',
  'A-37': 'The 403 that is told comes from an invited user that is a focus itself.',
  'A-38': 'Who passes the check goes on to the next step.',
  'A-39':
    'Refer-To with the session identity means the sender; with the address of a participant, in a REFER to the session, that participant.',
  'A-40': 'With Refer-Sub: false there is no refer NOTIFY, else one series that ends with the result.',
  'A-41':
    'The 2xx comes first, then the BYE, then the result; in one dialog the result comes before its BYE.',
  'A-42': 'Any final response to the BYE, or none in time, frees what the participant had.',
  'A-43': 'After every removal the release policy runs, once.',
  'A-44': 'Who remains is told that somebody left.',
  'A-45': "A re-INVITE without Session-Expires is answered with the server's and starts the timer anew.",
  'A-46':
    'SUBSCRIBE is checked in the order 404, 403 for the identity, 403 for the right; another event package gets 489; Expires: 0 fetches the state once.',
  'A-47': '200 is sent; 202 was retired by RFC 6665.',
  'A-48': 'Every 403, 486 and 488 of the server has a Warning.',
  'A-49':
    'One acceptable message line is enough, other media lines get port 0; every 488 tells what is supported.',
  'A-50':
    'Identity and what is charged by are believed from configured peers alone; Record-Route and Route are kept, P-Charging-Vector and P-Charging-Function-Addresses are echoed and passed on.',
  'A-51': 'Owned means: in the table of groups or sessions, by scheme, user and host.',
  'A-53': 'URI lists are those of RFC 5366 and RFC 5368.',
};
