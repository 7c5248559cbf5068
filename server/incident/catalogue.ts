import { packagedLists } from '../host/packaged.js';
import { compileSignatures, type Catalogue } from '../programs/signatures.js';

let loaded: Promise<Catalogue> | undefined;

/** The signatures, read and checked once per process. @throws ToolError E_INTERNAL when an entry breaks its schema */
export function catalogue(): Promise<Catalogue> {
  return (loaded ??= packagedLists('catalogue').then(compileSignatures));
}
