import { runProgram } from '../../../commands/program.ts';
import { FLAG_KEY } from '../../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';
import { type OperatorWorld, startOperatorWorld } from '../operator-world.ts';

const OUTPUTS = { FlagsEnvironmentId: 'flags-env', FlagsProfileId: 'flags', FlagsStrategyId: 'watched' } as const;

export const BAKE_MINUTES = 10;

/** Of the flag's environment. */
const ALARM = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:harm';

/** Enterprises, by their places in the rollout: 13.8, 42.4 and 74.2 of 100. */
export const FIRST = 'ent-r';
export const SECOND = 'ent-s';
export const THIRD = 'ent-e';

/** An operator's world with the flag as the stack makes it: version 1, off, is deployed. */
export interface FlagWorld {
  readonly world: OperatorWorld;
  /** `./ltw flag`, with these words. */
  run(...words: readonly string[]): Promise<number>;
  /** Versions that are deployed from now on with the flag's strategy bake. */
  letBake(): void;
  /** Deploys these values, as an operator does in the console, without a bake time. */
  deployFlag(values: object): void;
  /** Somebody starts a deployment of this version, which bakes. */
  startWatched(version: string): void;
  /** Somebody starts a deployment of this version without a bake time; it takes so long. */
  startAtOnce(version: string, milliseconds: number): void;
  /** The alarm that watches over the flag goes off, or is quiet again. */
  ring(isRinging: boolean): void;
  /** ARNs of the alarms that watch over it. */
  watched(): readonly string[];
  /** Deploys integrations, one for each of these enterprises. */
  deployPartners(...enterprises: readonly string[]): void;
  /** Deploys any document. */
  deployDocument(document: object): void;
  /** Makes a version that nobody deploys. @returns its number */
  draft(document: object): number;
  /** The flag as functions get it. */
  served(): unknown;
  /** What is deployed, as it was written. */
  written(): ReturnType<typeof documentWith>;
  /** Number, version, state and strategy of each deployment, oldest first. */
  history(): string[];
  versions(): number;
  close(): Promise<void>;
}

/** The seed with these values in place of its own. */
export function documentWith(values: object): { values: Record<string, unknown> } & Omit<typeof FLAG_SEED, 'values'> {
  return { ...FLAG_SEED, values: { [FLAG_KEY]: { ...FLAG_SEED.values[FLAG_KEY], ...values } } };
}

export async function startFlagWorld(): Promise<FlagWorld> {
  const world = await startOperatorWorld({ outputs: OUTPUTS });
  const { appConfig } = world.plane;
  const { store } = appConfig;
  appConfig.defineProfile('app', 'flags', 'AWS.AppConfig.FeatureFlags');
  store.defineStrategy('watched', { FinalBakeTimeInMinutes: BAKE_MINUTES });
  const deployDocument = (document: object) =>
    void appConfig.deploy('app', 'flags-env', 'flags', JSON.stringify(document));
  deployDocument(FLAG_SEED);
  store.watchAlarms('app', 'flags-env', [ALARM]);
  const newest = () => store.deployed('app', 'flags-env', 'flags');
  return {
    world,
    run: (...words) => runProgram(['flag', ...words], world.context),
    letBake: () => appConfig.setBakeSeconds(BAKE_MINUTES * 60),
    deployFlag: (values) => deployDocument(documentWith(values)),
    deployDocument,
    startWatched(version) {
      const draft = { profileId: 'flags', version, strategyId: 'watched' };
      store.startDeployment('app', 'flags-env', draft, BAKE_MINUTES * 60_000);
    },
    startAtOnce(version, milliseconds) {
      store.startDeployment('app', 'flags-env', { profileId: 'flags', version, strategyId: 'at-once' }, milliseconds);
    },
    ring: (isRinging) => store.setAlarm(ALARM, isRinging),
    watched: () => store.alarmsOf('app', 'flags-env'),
    deployPartners: (...enterprises) =>
      world.deploy({
        integrations: enterprises.map((enterprise_customer_uuid, index) => ({
          id: `partner-${index}`,
          url: 'https://partner.example',
          enterprise_customer_uuid,
        })),
      }),
    draft: (document) =>
      store.createVersion('app', 'flags', { content: JSON.stringify(document), contentType: 'application/json' })
        .number,
    served: () => JSON.parse(newest()?.published ?? '{}')[FLAG_KEY],
    written: () => JSON.parse(newest()?.version.content ?? 'null'),
    history: () =>
      store
        .deployments('app', 'flags-env')
        .map(
          (deployment) =>
            `${deployment.number}: version ${deployment.version.number} ${store.state(deployment)} ${deployment.draft.strategyId}`,
        ),
    versions: () => store.versions('app', 'flags').length,
    close: () => world.close(),
  };
}
