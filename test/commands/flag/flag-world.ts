import { runProgram } from '../../../commands/main.ts';
import { FLAG_KEY } from '../../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';
import { startOperatorWorld } from '../operator-world.ts';

const OUTPUTS = { FlagsEnvironmentId: 'flags-env', FlagsProfileId: 'flags', FlagsStrategyId: 'watched' } as const;

const BAKE_MINUTES = 10;

/** The monitor of the flag's environment. */
export const ALARM = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:harm';

/** Enterprises, at the positions 13.7, 42.4 and 74.2 of 100 in the rollout. */
export const FIRST = 'ent-r';
export const SECOND = 'ent-s';
export const THIRD = 'ent-e';

/** The seed with these values in place of its own. */
export function documentWith(values: object): { values: Record<string, unknown> } & Omit<typeof FLAG_SEED, 'values'> {
  return { ...FLAG_SEED, values: { [FLAG_KEY]: { ...FLAG_SEED.values[FLAG_KEY], ...values } } };
}

/** A document that AppConfig accepts and functions do not: its attributes have no constraints. */
export const BROKEN = {
  ...documentWith({ enabled: true, rollout_percentage: 250 }),
  flags: { [FLAG_KEY]: { attributes: { rollout_percentage: {}, cache_ttl_seconds: {} } } },
};

/** An operator's world with the flag as the stack creates it: version 1, off, is deployed. */
export async function startFlagWorld() {
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
  const run = (...words: readonly string[]) => runProgram(['flag', ...words], world.context);
  const letBake = () => appConfig.setBakeSeconds(BAKE_MINUTES * 60);
  return {
    world,
    store,
    printed: () => world.printed(),
    /** `./ltw flag`, with these words. */
    run,
    /** From now on, what is deployed with the flag's strategy bakes. */
    letBake,
    /** The same, and Ctrl-C ends the command while it does. */
    async bake(...words: readonly string[]) {
      letBake();
      world.onSleep = () => void process.emit('SIGINT');
      const status = await run(...words);
      world.onSleep = () => {};
      return status;
    },
    /** Deploys these values without a bake time, as an operator does in the console. */
    deployFlag: (values: object) => deployDocument(documentWith(values)),
    deployDocument,
    /** Another operator starts a deployment; 3 s is as long as one without a bake time takes. */
    start(version: number, strategyId: 'watched' | 'at-once') {
      const draft = { profileId: 'flags', version: String(version), strategyId };
      store.startDeployment('app', 'flags-env', draft, strategyId === 'watched' ? BAKE_MINUTES * 60_000 : 3_000);
    },
    watched: () => store.alarmsOf('app', 'flags-env'),
    /** Deploys one integration for each of these enterprises. */
    deployPartners: (...enterprises: readonly string[]) =>
      world.deploy({
        integrations: enterprises.map((enterprise_customer_uuid, index) => ({
          id: `partner-${index}`,
          url: 'https://partner.example',
          enterprise_customer_uuid,
        })),
      }),
    /** Creates a version that is not deployed. @returns its number */
    draft: (values: object) =>
      store.createVersion('app', 'flags', {
        content: JSON.stringify(documentWith(values)),
        contentType: 'application/json',
      }).number,
    /** The flag that functions get. */
    served: (): unknown => JSON.parse(newest()?.published ?? '{}')[FLAG_KEY],
    /** The deployed document. */
    written: (): ReturnType<typeof documentWith> => JSON.parse(newest()?.version.content ?? 'null'),
    /** Number, version, state and strategy of each deployment, oldest first. */
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
