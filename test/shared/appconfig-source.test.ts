import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ConfigurationSource, createConfigurationSource } from '../../lambdas/shared/appconfig-source.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { until } from '../support/assembly.ts';
import { clientOptions } from '../support/client-options.ts';
import { type FrontServer, startFrontServer } from '../support/front-server.ts';
import { recordingLog } from '../support/recording-log.ts';

const START = 'POST /configurationsessions';
const GET = 'GET /configuration';
const PROFILE = { applicationId: 'app', environmentId: 'flags', profileId: 'learning-time' };
const HOUR_MS = 3_600_000;
/** Longer than a test. The deadlines of production are tested in `production-deadlines.test.ts`. */
const AMPLE = { pollTimeoutMs: 30_000, firstPollTimeoutMs: 30_000 };

interface Document {
  readonly value: number;
}

let nowMs: number;
let plane: ControlPlane;
let front: FrontServer;
let client: AppConfigDataClient;
let log: ReturnType<typeof recordingLog>;
let parsed: string[];
let source: ConfigurationSource<Document>;

const now = () => nowMs;
const deploy = (content: string) => plane.appConfig.deploy('app', 'flags', 'learning-time', content);
const messages = () => log.lines.map(({ level, message }) => `${level} ${message}`);

/** A document is a JSON object with a number; anything else is refused. */
function parse(text: string): Document {
  parsed.push(text);
  const { value } = JSON.parse(text);
  if (typeof value !== 'number') throw new TypeError('value is not a number');
  return { value };
}

function newSource(
  bounds: { pollTimeoutMs?: number; firstPollTimeoutMs?: number; onUnavailable?: () => void } = {},
): ConfigurationSource<Document> {
  return createConfigurationSource({ client, ...PROFILE, parse, log, now, ...AMPLE, ...bounds });
}

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  plane = await startControlPlane({ now });
  plane.appConfig.defineProfile('app', 'learning-time', 'AWS.Freeform');
  deploy('{"value":1}');
  front = await startFrontServer(plane.endpoint);
  client = new AppConfigDataClient(clientOptions(front.endpoint));
  log = recordingLog();
  parsed = [];
  source = newSource();
});

afterEach(async () => {
  client.destroy();
  await front.close();
  await plane.close();
});

async function readAfter(ms: number): Promise<Document | undefined> {
  nowMs += ms;
  return source.read();
}

describe('polling', () => {
  test('the first read starts a session and gets; within the interval there is no request', async () => {
    expect(await source.read()).toEqual({ value: 1 });
    expect(await readAfter(14_999)).toEqual({ value: 1 });
    expect(front.requests).toEqual([START, GET]);
  });

  test('a configuration as old as its interval is polled before use, with the token of the last response', async () => {
    await source.read();
    deploy('{"value":2}');
    expect(await readAfter(15_000)).toEqual({ value: 2 });
    expect(front.requests).toEqual([START, GET, GET]);
    expect(log.lines).toEqual([]);
  });

  test('requests an interval of 15 s, and follows the interval that AppConfig returns', async () => {
    await source.read();
    plane.appConfig.setPollIntervalSeconds(90);
    await readAfter(15_000);
    await readAfter(89_999);
    expect(front.requests).toHaveLength(3);
    await readAfter(1);
    expect(front.requests).toHaveLength(4);
  });

  test('an empty response means unchanged: the configuration stays and is not parsed again', async () => {
    const first = await source.read();
    for (let poll = 0; poll < 3; poll += 1) {
      expect(await readAfter(15_000)).toBe(first);
    }
    expect(front.requests).toEqual([START, GET, GET, GET, GET]);
    expect(parsed).toHaveLength(1);
  });

  test('concurrent reads share one poll, the first and a later one', async () => {
    const first = await Promise.all(Array.from({ length: 10 }, () => source.read()));
    expect(new Set(first).size).toBe(1);
    nowMs += 15_000;
    deploy('{"value":2}');
    const second = await Promise.all(Array.from({ length: 10 }, () => source.read()));
    expect(second).toEqual(Array(10).fill({ value: 2 }));
    expect(front.requests).toEqual([START, GET, GET]);
  });

  test('a clock that was set back polls too', async () => {
    await source.read();
    nowMs -= HOUR_MS;
    await source.read();
    // Its token is from the future, which AppConfig refuses.
    expect(front.requests).toEqual([START, GET, GET, START, GET]);
  });

  describe('a poll that was frozen returns an old response', () => {
    /** Reads value 2 with a late response, and deploys value 3 an hour later, before the response arrives. */
    async function freeze(): Promise<{ frozen: Promise<unknown> }> {
      const { getLatest } = plane.appConfig;
      let responses = 0;
      plane.appConfig.getLatest = (token) => {
        responses += 1;
        return getLatest(token);
      };
      await source.read();
      nowMs += 15_000;
      deploy('{"value":2}');
      front.behave({ delayMs: 200 });
      const frozen = source.read();
      await until(() => responses === 2);
      nowMs += HOUR_MS;
      deploy('{"value":3}');
      front.behave('pass');
      return { frozen };
    }

    test('a read does not wait for it, and it changes nothing', async () => {
      const { frozen } = await freeze();
      expect(await source.read()).toEqual({ value: 3 });
      expect(front.requests).toEqual([START, GET, GET, START, GET]);
      await frozen;
      expect(await source.read()).toEqual({ value: 3 });
      expect(front.requests).toHaveLength(5);
    });

    test('without a read in between, the next read polls', async () => {
      const { frozen } = await freeze();
      await frozen;
      expect(await source.read()).toEqual({ value: 3 });
    });
  });
});

describe('tokens', () => {
  test('a refused token starts a new session at once, once, and quietly', async () => {
    await source.read();
    deploy('{"value":2}');
    expect(await readAfter(25 * HOUR_MS)).toEqual({ value: 2 });
    expect(front.requests).toEqual([START, GET, GET, START, GET]);
    expect(log.lines).toEqual([]);
  });

  test('a second refusal is an outage: no third session', async () => {
    await source.read();
    nowMs += 15_000;
    const refusing = await startRefusingServer();
    client.config.endpoint = async () => refusing.address;
    expect(await source.read()).toEqual({ value: 1 });
    expect(refusing.requests).toEqual([GET, START, GET]);
    expect(messages()).toEqual(['warn configuration.unavailable']);
    await refusing.close();
  });
});

test.each([
  ['lost', 'lose'],
  ['never begun', 'hang'],
  ['never ended', 'stall'],
] as const)('a response that is %s ends with its time, and its token is not used again', async (_, behaviour) => {
  let pollTimeoutMs = 150;
  const options = { client, ...PROFILE, parse, log, now, ...AMPLE };
  source = createConfigurationSource({
    ...options,
    get pollTimeoutMs() {
      return pollTimeoutMs;
    },
  });
  await source.read();
  deploy('{"value":2}');
  front.behave(behaviour);
  expect(await readAfter(15_000)).toEqual({ value: 1 });
  // The next poll has to succeed, however busy the machine is.
  pollTimeoutMs = AMPLE.pollTimeoutMs;
  const error = behaviour === 'lose' ? expect.any(String) : 'TimeoutError';
  expect(log.lines[0]?.fields).toMatchObject({ error, servesLastGood: true });
  // Really aborted, not left behind on a socket.
  await until(() => front.waiting() === 0);
  front.behave('pass');
  expect(await readAfter(15_000)).toEqual({ value: 2 });
  expect(front.requests).toEqual([START, GET, GET, START, GET]);
});

describe('an outage', () => {
  test('serves the last good configuration; one warning, one info when back; every failed poll is reported', async () => {
    const onUnavailable = jest.fn();
    source = newSource({ onUnavailable });
    await source.read();
    plane.appConfig.setDown(true);
    for (let poll = 0; poll < 3; poll += 1) {
      expect(await readAfter(15_000)).toEqual({ value: 1 });
      expect(await readAfter(0)).toEqual({ value: 1 });
    }
    expect(onUnavailable).toHaveBeenCalledTimes(3);
    plane.appConfig.setDown(false);
    deploy('{"value":2}');
    expect(await readAfter(15_000)).toEqual({ value: 2 });
    const oneOutage = ['warn configuration.unavailable', 'info configuration.back'];
    expect(messages()).toEqual(oneOutage);
    await readAfter(15_000);
    expect(messages()).toEqual(oneOutage);
    plane.appConfig.setDown(true);
    await readAfter(15_000);
    expect(messages()).toEqual([...oneOutage, 'warn configuration.unavailable']);
    expect(log.lines[0]?.fields).toEqual({
      environmentId: 'flags',
      profileId: 'learning-time',
      error: 'ServiceUnavailableException',
      servesLastGood: true,
    });
  });

  test('the same document in a new session is not parsed again', async () => {
    await source.read();
    plane.appConfig.setDown(true);
    await readAfter(15_000);
    plane.appConfig.setDown(false);
    expect(await readAfter(15_000)).toEqual({ value: 1 });
    expect(parsed).toHaveLength(1);
  });
});

describe('nothing to serve', () => {
  test('the poll ends at its timeout; the next read polls again before the interval ends', async () => {
    source = newSource({ firstPollTimeoutMs: 250 });
    front.behave('hang');
    expect(await source.read()).toBeUndefined();
    expect(await source.read()).toBeUndefined();
    expect(messages()).toEqual(['warn configuration.unavailable']);
    expect(log.lines[0]?.fields).toMatchObject({ error: 'TimeoutError', servesLastGood: false });
    front.behave('pass');
    expect(await source.read()).toEqual({ value: 1 });
    expect(messages()).toEqual(['warn configuration.unavailable', 'info configuration.back']);
  });
});

describe('a refused document', () => {
  test('leaves the last good one in place, with one warning for its version', async () => {
    await source.read();
    deploy('{"value":"two"}');
    for (let poll = 0; poll < 3; poll += 1) {
      expect(await readAfter(15_000)).toEqual({ value: 1 });
    }
    expect(messages()).toEqual(['warn configuration.refused']);
    expect(log.lines[0]?.fields).toMatchObject({ reason: 'value is not a number', error: 'TypeError' });
    deploy('{"value":"three"}');
    await readAfter(15_000);
    expect(messages()).toHaveLength(2);
    deploy('{"value":4}');
    expect(await readAfter(15_000)).toEqual({ value: 4 });
  });

  test('is not requested again within the interval, even with nothing to serve', async () => {
    deploy('{"value":"one"}');
    expect(await source.read()).toBeUndefined();
    expect(await source.read()).toBeUndefined();
    expect(front.requests).toEqual([START, GET]);
    expect(messages()).toEqual(['warn configuration.refused']);
  });
});

/** Starts sessions, and refuses every token they give. */
async function startRefusingServer() {
  const refusing = await startControlPlane();
  refusing.appConfig.defineProfile('app', 'learning-time', 'AWS.Freeform');
  refusing.appConfig.deploy('app', 'flags', 'learning-time', '{"value":9}');
  const getLatest = refusing.appConfig.getLatest;
  refusing.appConfig.getLatest = () => getLatest('unknown');
  const counting = await startFrontServer(refusing.endpoint);
  const { protocol, hostname, port } = new URL(counting.endpoint);
  return {
    address: { protocol, hostname, port: Number(port), path: '/' },
    requests: counting.requests,
    async close() {
      await counting.close();
      await refusing.close();
    },
  };
}
