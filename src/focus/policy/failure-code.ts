/** R-7.2.1.2-fail-1s: which status the inviter gets when every invitation failed. */
export function failureCode(codes: readonly number[], policy: 'lowest' | 'highest-class' | number): number {
  if (typeof policy === 'number') return policy;
  // A 3xx is a failure here but means nothing to the inviter.
  const failures = codes.map((code) => (code >= 400 && code <= 699 ? code : 480));
  if (failures.length === 0) return 480;
  if (policy === 'lowest') return Math.min(...failures);
  const highestClass = Math.max(...failures.map((code) => Math.trunc(code / 100)));
  return Math.min(...failures.filter((code) => Math.trunc(code / 100) === highestClass));
}
