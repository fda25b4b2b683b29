/** The statements that are no step of a procedure, each with the reason. All others can be left out. */

export const NOT_STEPS: ReadonlyMap<string, string> = new Map([
  [
    'R-7.2.1.9-ims',
    'the BYE takes the route set of its dialog, as all requests of ours do: that is the work of the dialog, not of one step',
  ],
]);

/** What of other standards is not tried: nothing could be seen of it. */
export const NOT_TRIED: ReadonlyMap<string, string> = new Map([
  ['7.2.3.2/check', 'the step of ad-hoc set-up allows an alias to everybody and refuses nobody'],
  ['RFC3261-11.2', 'a stack is ready when it answers OPTIONS: without this step none comes up'],
]);
