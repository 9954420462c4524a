/** @peculiar/x509 as a second opinion. Its dependency injector looks for the metadata polyfill while loading. */
import 'reflect-metadata';

export const peculiar = await import('@peculiar/x509');
