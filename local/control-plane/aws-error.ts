/** An AWS error: clients match on `name`; `fields` are the additional members of its shape. */
export class AwsError extends Error {
  override readonly name: string;
  readonly statusCode: number;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(name: string, statusCode: number, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = name;
    this.statusCode = statusCode;
    this.fields = fields;
  }
}
