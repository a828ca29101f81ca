import { AwsError } from '../control-plane/aws-error.ts';
import { type Flattened, flattenFlags } from './feature-flags.ts';
import { jsonSchemaValidator } from './json-schema-validator.ts';

/** AppConfig's quota for hosted content, in bytes. */
const MAX_CONTENT_BYTES = 2 * 1024 * 1024;

export type ProfileType = 'AWS.AppConfig.FeatureFlags' | 'AWS.Freeform';

/** Converts hosted content to the content that pollers get. @throws AwsError with all reasons why it is refused */
export type Publish = (content: string) => string;

/** @param jsonSchemas contents of the profile's JSON_SCHEMA validators; freeform profiles only */
export function publisher(type: ProfileType, jsonSchemas: readonly string[]): Publish {
  const validators = jsonSchemas.map(jsonSchemaValidator);
  const freeform = (content: string): Flattened => {
    const faults = validators.flatMap((validate) => validate(content));
    return faults.length > 0 ? { faults } : { content };
  };
  const check = type === 'AWS.AppConfig.FeatureFlags' ? flattenFlags : freeform;
  return (content) => {
    if (Buffer.byteLength(content) > MAX_CONTENT_BYTES) {
      throw new AwsError('PayloadTooLargeException', 413, 'the content is larger than 2 MB');
    }
    const result = check(content);
    if ('content' in result) return result.content;
    throw new AwsError('BadRequestException', 400, result.faults.join('; '), {
      Reason: 'InvalidConfiguration',
      Details: { InvalidConfiguration: result.faults.map((Reason) => ({ Reason })) },
    });
  };
}
