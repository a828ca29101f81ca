import { DEFAULT_CACHE_TTL_SECONDS, FLAG_BOUNDS, FLAG_KEY } from '../lambdas/flag/flag-document.ts';

/**
 * The flag's first version: off, with each attribute and its constraints, so that operators find them in the console.
 *
 * Never change it. After the first deploy the operators own the content, CloudFormation does not know their versions, and any
 * change here would be deployed over theirs. Change constraints in the console. Format: AppConfig's type reference for
 * `AWS.AppConfig.FeatureFlags`.
 */
export const FLAG_SEED = {
  version: '1',
  flags: {
    [FLAG_KEY]: {
      name: 'Learning time in webhooks',
      description: 'Adds learning time from the warehouse to completion webhooks. Off: they are sent without it.',
      attributes: {
        rollout_percentage: {
          description:
            'Share of enterprises with enrichment on, in whole percent. Raising it keeps every enterprise that is on.',
          constraints: { type: 'number', required: true, ...FLAG_BOUNDS.rolloutPercentage },
        },
        pilot_enterprises: {
          description: 'UUIDs of enterprises with enrichment on whatever the percentage.',
          constraints: { type: 'array', elements: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } },
        },
        cache_ttl_seconds: {
          description: 'How long a result of the warehouse is cached, in seconds.',
          constraints: { type: 'number', required: true, ...FLAG_BOUNDS.cacheTtlSeconds },
        },
      },
    },
  },
  values: {
    [FLAG_KEY]: {
      enabled: false,
      rollout_percentage: 0,
      // No value for pilot_enterprises: AppConfig accepts an array of strings or of numbers, and refuses an empty array, which
      // matches both. Without a value there are no pilot enterprises.
      cache_ttl_seconds: DEFAULT_CACHE_TTL_SECONDS,
    },
  },
} as const;

/** The integrations' first version. Never change it either. */
export const INTEGRATIONS_SEED = { integrations: [] } as const;
