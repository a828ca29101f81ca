const PEM = /-----BEGIN ([A-Z ]+)-----(.*?)-----END \1-----/s;
const BASE64_LINE = /.{1,64}/g;

/**
 * A private key as PEM with a header, a footer and line breaks, which `snowflake-sdk` insists on.
 *
 * Secrets lose them on the way: Secrets Manager's own Snowflake key-pair secrets hold the bare base64, and consoles turn
 * line breaks into spaces or `\n`. A bare key is taken for PKCS#8, encrypted where there is a passphrase.
 */
export function privateKeyPem(key: string, { encrypted }: { encrypted: boolean }): string {
  const text = key.replaceAll('\\n', '\n').replaceAll('\r', '').trim();
  const [, label, body] = PEM.exec(text) ?? [undefined, encrypted ? 'ENCRYPTED PRIVATE KEY' : 'PRIVATE KEY', text];
  // A traditional key that is encrypted has header lines of its own (DEK-Info), which must stay lines.
  if (body?.includes('DEK-Info:')) return text;
  const lines = (body ?? '').replaceAll(/\s/g, '').match(BASE64_LINE) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----`;
}
