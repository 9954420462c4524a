/**
 * Marks a CA certificate of the development PKI (non-critical extension, empty value NULL): an anchor that bears it is
 * refused wherever a door binds beyond loopback or a production configuration is given.
 */
export const DEVELOPMENT_MARK_OID = '2.25.213293587290961594881567063450215449897';
