import { plainToInstance } from 'class-transformer';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage';
import { getMetadataStorage, validateSync, type ValidationArguments, type ValidationError } from 'class-validator';
import { AppError, type ErrorDetail } from '../app-error';

export type DtoClass<T extends object = object> = new () => T;

type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];
type Check = (value: unknown, dto: object) => boolean;

interface Property {
  name: string;
  /** False: absent is fine, or another field says so; the checks are skipped. */
  applies: Check;
  checks: Check[];
  optional: boolean;
  transforms: ((value: unknown, source: object) => unknown)[];
  nested?: Binder<object>;
}

/** What a payload may hold in all; a class that lists more is a mistake. */
const MAX_DETAILS = 20;
/** Objects in objects of a payload; a class that holds its own kind would take any number. */
const MAX_DEPTH = 16;

const always: Check = () => true;

/**
 * Turns an untrusted payload into an instance of a DTO class: unknown fields are dropped, known ones transformed and
 * checked, nothing is coerced.
 *
 * class-validator and class-transformer metadata are read once, when the class is first used, and composed into plain
 * checks, which call the very same constraint functions (a message would cost 3.5 µs more otherwise). A class with
 * metadata that is not understood here goes through the libraries themselves. Errors are always worded by
 * class-validator.
 */
export class Binder<T extends object> {
  private static readonly binders = new Map<DtoClass, Binder<object>>();

  private properties: Property[] | undefined;
  private compiling = false;

  private constructor(private readonly dto: DtoClass<T>) {}

  static of<T extends object>(dto: DtoClass<T>): Binder<T> {
    let binder = this.binders.get(dto);
    if (!binder) {
      binder = new Binder<object>(dto);
      // Known before it is compiled: a class may hold objects of its own.
      this.binders.set(dto, binder);
      binder.compiling = true;
      binder.properties = compile(dto);
      binder.compiling = false;
    }
    return binder as Binder<T>;
  }

  /** Whether the class is checked by composed functions rather than by the libraries. */
  get compiled(): boolean {
    return this.properties !== undefined || this.compiling;
  }

  /** The payload as an instance of the class. @throws AppError ValidationError with one detail a field */
  bind(payload: unknown): T {
    const source = payload === undefined ? {} : payload;
    if (typeof source !== 'object' || source === null || Array.isArray(source) || Buffer.isBuffer(source)) {
      throw new AppError('ValidationError', 'The payload must be an object');
    }
    const instance = this.fill(source, 0);
    if (!this.holds(instance)) {
      this.check(instance);
    }
    return instance;
  }

  private fill(source: object, depth: number): T {
    if (depth > MAX_DEPTH) {
      throw new AppError('ValidationError', 'The payload is nested too deeply');
    }
    if (!this.properties) {
      return plainToInstance(this.dto, source);
    }
    const instance = new this.dto() as Record<string, unknown>;
    const values = source as Record<string, unknown>;
    for (const { name, optional, transforms, nested } of this.properties) {
      // A plain read: `compile` made sure that no field is one of every object's.
      let value = values[name];
      if (value === undefined || (optional && value === null)) {
        instance[name] = undefined;
        continue;
      }
      for (const transform of transforms) {
        value = transform(value, source);
      }
      instance[name] = nested ? nested.fillNested(value, depth + 1) : value;
    }
    return instance as T;
  }

  private fillNested(value: unknown, depth: number): unknown {
    if (Array.isArray(value)) {
      // A list in a list is no object either way, and going down into 50 000 of them would overflow the stack.
      return value.map((item) => (Array.isArray(item) ? null : this.fillNested(item, depth)));
    }
    return typeof value === 'object' && value !== null && !Buffer.isBuffer(value) ? this.fill(value, depth) : value;
  }

  private holds(dto: object): boolean {
    if (!this.properties) {
      return false;
    }
    for (const { name, optional, applies, checks, nested } of this.properties) {
      const value = (dto as Record<string, unknown>)[name];
      if ((optional && value === undefined) || !applies(value, dto)) {
        continue;
      }
      for (const check of checks) {
        if (!check(value, dto)) {
          return false;
        }
      }
      if (nested && value !== undefined && !nested.holdsNested(value)) {
        return false;
      }
    }
    return true;
  }

  private holdsNested(value: unknown): boolean {
    if (Array.isArray(value)) {
      return value.every((item) => this.holdsNested(item));
    }
    return value instanceof this.dto && this.holds(value);
  }

  private check(instance: T): void {
    const errors = validateSync(instance, {
      whitelist: true,
      validationError: { target: false, value: false },
    });
    if (errors.length > 0) {
      const details = errors.flatMap((error) => detailsOf(error)).slice(0, MAX_DETAILS);
      throw new AppError('ValidationError', details[0]?.message ?? 'The payload is not valid', { details });
    }
  }
}

function detailsOf(error: ValidationError, path = ''): ErrorDetail[] {
  const field = path + error.property;
  const broken = Object.entries(error.constraints ?? {});
  // The type before its bounds: "must be an integer number" says more of "5" than "must not be greater than 10".
  const [, message] = broken.find(([name]) => /^is[A-Z]/.test(name)) ?? broken[0] ?? [];
  const own = message === undefined ? [] : [{ field, message }];
  return [...own, ...(error.children ?? []).flatMap((child) => detailsOf(child, `${field}.`))];
}

/** The class as a list of plain checks, or undefined where it holds metadata that only the libraries understand. */
function compile(dto: DtoClass): Property[] | undefined {
  const storage = getMetadataStorage();
  const grouped = storage.groupByPropertyName(
    storage.getTargetValidationMetadatas(dto, '', false, false, undefined),
  ) as Record<string, Metadata[]>;
  const properties: Property[] = [];
  for (const [name, metadatas] of Object.entries(grouped)) {
    if (name in Object.prototype) {
      return undefined;
    }
    const property = compileProperty(dto, name, metadatas);
    if (!property) {
      return undefined;
    }
    properties.push(property);
  }
  return properties;
}

function compileProperty(dto: DtoClass, name: string, metadatas: Metadata[]): Property | undefined {
  const conditions: Check[] = [];
  const checks: Check[] = [];
  let optional = false;
  let nullable = false;
  let nested: Binder<object> | undefined;
  for (const metadata of metadatas) {
    if (metadata.groups?.length || metadata.validateIf) {
      return undefined;
    }
    switch (metadata.type as string) {
      case 'customValidation':
      case 'isDefined': {
        const composed = composeChecks(metadata);
        if (!composed) {
          return undefined;
        }
        checks.push(...composed);
        break;
      }
      case 'conditionalValidation': {
        const condition = metadata.constraints[0] as (dto: object, value: unknown) => boolean;
        conditions.push((value, object) => condition(object, value));
        if (metadata.name === 'isOptional') {
          optional = true;
        } else {
          nullable = true;
        }
        break;
      }
      case 'nestedValidation': {
        const type = defaultMetadataStorage.findTypeMetadata(dto, name);
        if (!type || metadata.each) {
          return undefined;
        }
        nested = Binder.of(type.typeFunction() as DtoClass);
        if (!nested.compiled) {
          return undefined;
        }
        break;
      }
      case 'whitelistValidation':
        break;
      default:
        return undefined;
    }
  }
  return {
    name,
    applies: conditions.length === 0 ? always : (value, object) => conditions.every((holds) => holds(value, object)),
    checks,
    // Pages send null for what they do not have: where a field may be absent, null is absent, unless null has a meaning.
    optional: optional && !nullable,
    transforms: transformsOf(dto, name),
    nested,
  };
}

function composeChecks(metadata: Metadata): Check[] | undefined {
  const constraints = getMetadataStorage().getTargetValidatorConstraints(metadata.constraintCls);
  if (constraints.some((constraint) => constraint.async)) {
    return undefined;
  }
  return constraints.map((constraint) => {
    const { instance } = constraint;
    const passes = (value: unknown, object: object): boolean => {
      const args: ValidationArguments = {
        targetName: '',
        property: metadata.propertyName,
        object,
        value,
        constraints: metadata.constraints as unknown[],
      };
      return instance.validate(value, args) === true;
    };
    return metadata.each
      ? (value, object) => (Array.isArray(value) ? value.every((item) => passes(item, object)) : passes(value, object))
      : passes;
  });
}

function transformsOf(dto: DtoClass, name: string): Property['transforms'] {
  // 0: TransformationType.PLAIN_TO_CLASS, a const enum that the library does not export at run time.
  return defaultMetadataStorage
    .findTransformMetadatas(dto, name, 0)
    .map(
      (metadata) => (value: unknown, source: object) =>
        metadata.transformFn({ value, key: name, obj: source, type: 0, options: {} }) as unknown,
    );
}
