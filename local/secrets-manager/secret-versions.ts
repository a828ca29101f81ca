import { randomUUID } from 'node:crypto';
import { AwsError } from '../control-plane/aws-error.ts';

export interface SecretVersion {
  readonly id: string;
  readonly secretString: string;
  readonly createdAtMs: number;
  /** Its staging labels; a version without any is deprecated. */
  readonly stages: ReadonlySet<string>;
}

export interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly versions: SecretVersions;
}

/** The versions of a secret and their staging labels. */
export class SecretVersions {
  readonly #now: () => number;
  #versions: (SecretVersion & { readonly stages: Set<string> })[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Adds a value and moves labels to it; the current version becomes AWSPREVIOUS.
   *
   * @param id the caller's token: with the same value again it is the same request
   * @throws AwsError if the id has another value
   */
  put(secretString: string, id: string = randomUUID(), stages: readonly string[] = ['AWSCURRENT']): SecretVersion {
    const known = this.#versions.find((version) => version.id === id);
    if (known?.secretString === secretString) return known;
    if (known !== undefined) {
      throw new AwsError('ResourceExistsException', 400, `the version ${id} has another value already`);
    }
    const version = { id, secretString, createdAtMs: this.#now(), stages: new Set<string>() };
    for (const stage of stages) this.#move(stage, version);
    this.#versions = [...this.#versions, version].filter((one) => one.stages.size > 0);
    return version;
  }

  clear(): void {
    this.#versions = [];
  }

  /** The version that matches all given criteria. */
  find(stage: string | undefined, id?: string): SecretVersion | undefined {
    return this.#versions.find(
      (version) => (stage === undefined || version.stages.has(stage)) && (id === undefined || version.id === id),
    );
  }

  /** Versions with a label, oldest first. */
  labelled(): readonly SecretVersion[] {
    return this.#versions;
  }

  #move(stage: string, to: SecretVersion & { readonly stages: Set<string> }): void {
    const from = this.#versions.find((version) => version.stages.delete(stage));
    to.stages.add(stage);
    if (stage === 'AWSCURRENT' && from !== undefined) this.#move('AWSPREVIOUS', from);
  }
}
