import { Type } from 'class-transformer';
import {
  Allow,
  IsDefined,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Validate,
  ValidateIf,
  ValidateNested,
  ValidatorConstraint,
} from 'class-validator';
import { refusedFields, wrongFields } from '../../../test/support/binding';
import type { AppError } from '../app-error';
import { Binder, type DtoClass } from './dto-binder';
import { IsNullable, IsOpaque, IsText } from './decorators';

class SettingsDto {
  @IsNullable()
  @IsOptional()
  @IsInt()
  ttl?: number | null;
}

class NoteDto {
  @IsOpaque(8, 1)
  id!: string;

  @IsOptional()
  @IsText({ max: 5 })
  text?: string;

  @IsOptional()
  @IsInt()
  @Max(10)
  count?: number;
}

class ChangeDto {
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => SettingsDto)
  settings!: SettingsDto;
}

/** The details of a refusal, by field. */
function details(dto: DtoClass, payload: object): unknown {
  try {
    return Binder.of(dto).bind(payload);
  } catch (error) {
    return [...((error as AppError).details ?? [])].sort((a, b) => a.field.localeCompare(b.field));
  }
}

describe('the binder', () => {
  it('makes an instance of what is known and good, and drops the rest', () => {
    const bound = Binder.of(NoteDto).bind({ id: ' n ', text: ' a\r\nb ', more: 1, count: 3 });
    expect(bound).toBeInstanceOf(NoteDto);
    expect(bound).toEqual({ id: ' n ', text: 'a\nb', count: 3 });
    expect(Object.keys(bound).sort()).toEqual(['count', 'id', 'text']);
  });

  it.each([null, 1, 'text', true, [], [{}], Buffer.from('{}'), () => undefined])(
    'refuses %p as a payload',
    (payload) => {
      expect(() => Binder.of(NoteDto).bind(payload)).toThrow('The payload must be an object');
    },
  );

  it('takes no payload for an empty one', () => {
    expect(refusedFields(NoteDto, undefined)).toEqual(['id']);
    expect(refusedFields(ChangeDto, undefined)).toEqual(['settings']);
    expect(Binder.of(SettingsDto).bind(undefined)).toBeInstanceOf(SettingsDto);
  });

  it('names each wrong field once, the type before its bounds, nested ones by their path', () => {
    expect(details(NoteDto, { id: '', text: 'abcdef', count: '50' })).toEqual([
      { field: 'count', message: 'count must be an integer number' },
      { field: 'id', message: 'id must be a string of 1 to 8 characters' },
      { field: 'text', message: 'text must have at most 5 characters' },
    ]);
    expect(details(ChangeDto, { settings: { ttl: 'x' } })).toEqual([
      { field: 'settings.ttl', message: 'ttl must be an integer number' },
    ]);
  });

  it('takes null for absent where a field may be absent, unless null has a meaning', () => {
    expect(Binder.of(NoteDto).bind({ id: 'n', text: null }).text).toBeUndefined();
    expect(Binder.of(ChangeDto).bind({ settings: { ttl: null } }).settings.ttl).toBeNull();
    expect(Binder.of(ChangeDto).bind({ settings: {} }).settings.ttl).toBeUndefined();
    expect(refusedFields(NoteDto, { id: null })).toEqual(['id']);
  });

  it.each([[[{}]], [[]], [null], ['{}'], [5], [Buffer.from('{}')], [Object.assign([], { ttl: 5 })]])(
    'refuses %p where an object belongs',
    (settings) => {
      expect(refusedFields(ChangeDto, { settings })).toEqual(['settings']);
    },
  );
});

describe('a class that the binder does not understand', () => {
  class Item {
    @IsInt()
    @Max(5)
    count!: number;
  }

  class EachNested {
    @ValidateNested({ each: true })
    @Type(() => Item)
    items!: Item[];
  }

  class Grouped {
    @IsString({ groups: ['one'] })
    @MaxLength(3)
    name!: string;
  }

  class Sometimes {
    @MaxLength(3, { validateIf: (object: Sometimes) => object.strict === true })
    name!: string;

    @Allow()
    strict?: boolean;
  }

  @ValidatorConstraint({ async: true })
  class Later {
    validate(): Promise<boolean> {
      return Promise.resolve(true);
    }
  }

  class Async {
    @Validate(Later)
    name!: string;
  }

  class OfNotUnderstood {
    @ValidateNested()
    @Type(() => EachNested)
    inner!: EachNested;
  }

  it.each<[string, DtoClass, object, object[]]>([
    ['nested lists', EachNested, { items: [{ count: 1 }] }, [{ items: [{ count: 6 }] }, { items: [{}] }, { items: 1 }]],
    ['groups', Grouped, { name: 'abc' }, [{ name: 'abcd' }]],
    ['conditions', Sometimes, { name: 'abcd', strict: false }, [{ name: 'abcd', strict: true }]],
    [
      'such a class inside',
      OfNotUnderstood,
      { inner: { items: [{ count: 1 }] } },
      [{ inner: { items: [{ count: 6 }] } }],
    ],
  ])('goes through the libraries: %s', (_what, dto, good, wrong) => {
    expect(Binder.of(dto).compiled).toBe(false);
    expect(Binder.of(dto).bind({ ...good, extra: 1 })).toEqual(good);
    for (const payload of wrong) {
      expect(refusedFields(dto, payload)).toEqual(wrongFields(dto, payload));
      expect(refusedFields(dto, payload)).not.toEqual([]);
    }
  });

  it('goes through the libraries: checks that answer later', () => {
    expect(Binder.of(Async).compiled).toBe(false);
  });

  it('is understood with a condition of its own, null that has a meaning, and cleaned text', () => {
    class Conditional {
      @ValidateIf((object: Conditional) => object.other === undefined)
      @IsText({ min: 1, max: 3 })
      name?: string;

      @IsNullable()
      @IsOptional()
      @IsInt()
      other?: number | null;
    }
    expect(Binder.of(Conditional).compiled).toBe(true);
    expect(Binder.of(Conditional).bind({ name: ' abc\r\n' })).toMatchObject({ name: 'abc' });
    for (const payload of [{ name: 'abcd' }, { name: 'abcd', other: 1 }, { other: null }, { other: 1.5 }, {}]) {
      expect(refusedFields(Conditional, payload)).toEqual(wrongFields(Conditional, payload));
    }
  });

  describe('that may hold one of its own kind', () => {
    class Tree {
      @IsInt()
      @Max(5)
      count!: number;

      @IsOptional()
      @ValidateNested()
      @Type(() => Tree)
      inner?: Tree;
    }
    class Even {
      @IsOptional()
      @ValidateNested()
      @Type(() => Odd)
      odd?: object;

      @ValidateNested({ each: true })
      @Type(() => Tree)
      notUnderstood!: Tree[];
    }
    class Odd {
      @IsOptional()
      @ValidateNested()
      @Type(() => Even)
      even?: Even;
    }
    const tree = (depth: number): object => (depth === 0 ? { count: 1 } : { count: 1, inner: tree(depth - 1) });

    it('is compiled, and checked all the way down', () => {
      expect(Binder.of(Tree).compiled).toBe(true);
      expect(Binder.of(Tree).bind(tree(3))).toEqual(tree(3));
      for (const payload of [
        { count: 1, inner: { count: 6 } },
        { count: 1, inner: { count: 1, inner: {} } },
      ]) {
        expect(refusedFields(Tree, payload)).toEqual(wrongFields(Tree, payload));
        expect(refusedFields(Tree, payload)).not.toEqual([]);
      }
    });

    it('is refused where that goes on for ever', () => {
      for (const depth of [100, 100_000]) {
        let deep: object = { count: 1 };
        for (let i = 0; i < depth; i++) {
          deep = { count: 1, inner: deep };
        }
        expect(() => Binder.of(Tree).bind(deep)).toThrow('The payload is nested too deeply');
      }
    });

    it('lets nothing pass that goes through the libraries on the way', () => {
      const bad = { even: { notUnderstood: [{ count: 6 }] } };
      expect(Binder.of(Odd).bind({ even: { notUnderstood: [{ count: 5 }] } })).toEqual({
        even: { notUnderstood: [{ count: 5 }] },
      });
      for (const [dto, payload] of [
        [Odd, bad],
        [Even, { notUnderstood: [{ count: 1 }], odd: bad }],
      ] as const) {
        expect(refusedFields(dto, payload)).toEqual(wrongFields(dto, payload));
        expect(refusedFields(dto, payload)).not.toEqual([]);
      }
    });
  });
});
