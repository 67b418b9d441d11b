import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { AppError } from '../app-error';
import { Binder, type DtoClass } from './dto-binder';

const BUILT_IN: unknown[] = [String, Number, Boolean, Array, Object, undefined];

/** Validates every REST body and query. Path parameters are strings that services look up. */
@Injectable()
export class DtoPipe implements PipeTransform {
  transform(value: unknown, { metatype, type }: ArgumentMetadata): unknown {
    if (type === 'custom' || type === 'param') {
      return value;
    }
    if (BUILT_IN.includes(metatype)) {
      throw new AppError('InternalServerError', 'A body or query without a DTO class');
    }
    return Binder.of(metatype as DtoClass).bind(value);
  }
}
