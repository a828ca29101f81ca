/**
 * The part of a structured logger that adapters and domain services use; Powertools' `Logger` fits it.
 *
 * What may be logged of a person: numeric user id, course id and enterprise UUID. Never a payload, address or secret.
 */
export interface Log {
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
  error(message: string, fields: Readonly<Record<string, unknown>>): void;
}
