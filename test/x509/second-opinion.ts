/**
 * @peculiar/x509 as a second opinion. Its dependency injector wants a metadata polyfill to be there, and then asks it
 * for constructor parameters that its classes do not have; one that knows nothing serves.
 */
Object.assign(Reflect, {
  getMetadata: () => undefined,
  getOwnMetadata: () => undefined,
  defineMetadata: () => undefined,
});

export const peculiar = await import('@peculiar/x509');
