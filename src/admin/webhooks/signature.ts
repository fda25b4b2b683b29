/**
 * How a receiver knows that a delivery is ours and fresh: `Parley-Signature: t=1764411330,v1=HEX`, where HEX is
 * HMAC-SHA256 of the time, a dot and the body, with the secret of the webhook.
 */
import { createHmac } from 'node:crypto';

export function signatureOf(secret: string, body: string, atS: number): string {
  const mac = createHmac('sha256', secret).update(`${atS}.${body}`).digest('hex');
  return `t=${atS},v1=${mac}`;
}
