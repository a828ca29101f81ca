import type { CertificateState, SigningState } from '../../commands/integration/secret-state.ts';

/** One step of a rotation. */
export interface RotationStep {
  readonly title: string;
  readonly status: 'success' | 'info' | 'pending' | 'warning';
  /** Why, or what to do. */
  readonly text: string;
}

/** The steps of the rotation of a signing secret, from what is stored. */
export function signingSteps({ next_step, all_sign_at, old_ends_at }: SigningState): RotationStep[] {
  const position = { make: 0, wait: 1, switch: 2 }[next_step];
  const statusAt = (index: number) => statusOf(index, position);
  return [
    {
      title: 'Store a new signing secret before the old one',
      status: statusAt(0),
      text:
        position === 0
          ? 'No rotation is in progress. The new one is created by the command and is not shown here.'
          : 'Both are stored, the new one first.',
    },
    {
      title: 'Wait until every function signs with both',
      status: statusAt(1),
      text:
        all_sign_at === null
          ? 'Functions cache a secret for 15 minutes; 20 minutes are enough for slow ones and for clocks that differ.'
          : `Functions cache a secret for 15 minutes. Every webhook has both signatures from ${shortTime(all_sign_at)} on.`,
    },
    {
      title: 'Give the partner the new secret, over a private channel',
      status: statusAt(2),
      text:
        old_ends_at !== null
          ? `The partner switches before ${shortTime(old_ends_at)}, when the old one ends by itself.`
          : 'The partner verifies with either of the two, and switches when it likes.',
    },
    {
      title: 'Drop the old signing secret',
      status: 'pending',
      text:
        old_ends_at !== null
          ? `It ends by itself at ${shortTime(old_ends_at)}. If the partner has switched earlier, drop it now.`
          : 'Only after the partner has switched: a webhook without the signature that it verifies is refused.',
    },
  ];
}

/** The steps of the rotation of a client certificate, from what is stored. */
export function certificateSteps(certificates: readonly CertificateState[]): RotationStep[] {
  const next = certificates.find(({ pair }) => pair === 'next');
  const isUsable = next?.state === 'valid' || next?.state === 'expiring';
  const position = isUsable ? 1 : 0;
  return [
    {
      title: 'Store the next certificate and its key',
      status: next !== undefined && !isUsable ? 'warning' : statusOf(0, position),
      text:
        next === undefined
          ? 'In a terminal: the key is a file, which the console does not read. Only test events present it.'
          : isUsable
            ? `It is stored, and expires on ${(next.expires_at ?? '').slice(0, 10)}.`
            : 'One is stored that is not usable: store another one.',
    },
    {
      title: 'Try it with a test event',
      status: statusOf(1, position),
      text: 'The partner must trust both certificates until the rotation is done.',
    },
    {
      title: 'Make it the current one',
      status: 'pending',
      text: 'The command sends the test event again, and changes nothing if that is not delivered. Functions present it within 15 minutes.',
    },
    {
      title: 'After 20 minutes the partner may stop trusting the old one',
      status: 'pending',
      text: 'The pair before stays in the secret’s version AWSPREVIOUS until the secret is changed again.',
    },
  ];
}

function statusOf(index: number, position: number): RotationStep['status'] {
  if (index === position) return 'info';
  return index < position ? 'success' : 'pending';
}

function shortTime(iso: string): string {
  return `${iso.slice(0, 19)}Z`;
}
