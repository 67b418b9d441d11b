import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync } from 'class-validator';
import { AppError } from '../../src/common/app-error';
import { Binder, type DtoClass } from '../../src/common/validation/dto-binder';

const unique = (fields: string[]): string[] => [...new Set(fields)].sort();

/** The fields of a class that are validated. */
export function fieldsOf(dto: DtoClass): string[] {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false, undefined);
  return unique(metadata.map(({ propertyName }) => propertyName));
}

/** The payload as class-transformer has it; undefined where it fails itself, as over an object in `constructor`. */
export function instanceOf(dto: DtoClass, payload: object): object | undefined {
  try {
    return plainToInstance(dto, payload);
  } catch {
    return undefined;
  }
}

/** What the libraries themselves say of a payload: the fields that are wrong; undefined where they fail. */
export function wrongFields(dto: DtoClass, payload: object): string[] | undefined {
  const instance = instanceOf(dto, payload);
  return instance && unique(validateSync(instance, { whitelist: true }).map(({ property }) => property));
}

/** What the binder says of a payload: the fields that are wrong. */
export function refusedFields(dto: DtoClass, payload: unknown): string[] {
  try {
    Binder.of(dto).bind(payload);
    return [];
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'ValidationError') {
      throw error;
    }
    return unique((error.details ?? [{ field: '' }]).map(({ field }) => field.split('.')[0] ?? ''));
  }
}
