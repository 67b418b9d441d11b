declare module 'class-transformer/cjs/storage' {
  import type { TransformMetadata, TypeMetadata } from 'class-transformer';

  /** Where class-transformer keeps what its decorators declared; exported by the package, but without types. */
  export const defaultMetadataStorage: {
    findTypeMetadata(target: object, propertyName: string): TypeMetadata | undefined;
    findTransformMetadatas(target: object, propertyName: string, transformationType: number): TransformMetadata[];
  };
}
