/** Who is signed in, as the page said it. Places and buttons are shown by it; the API decides. */
import { createContext, useContext } from 'react';

export type Permission = 'read' | 'rules' | 'approve' | 'operate' | 'mend' | 'support' | 'audit';
type Agency = { readonly id: string; readonly name: Readonly<Record<string, string>> };

export type Person = {
  /** As authorship and approval name them. */
  readonly id: string;
  readonly name: string;
  /** null: a platform owner. */
  readonly agency: Agency | null;
  readonly agencies: readonly Agency[];
  readonly roles: readonly string[];
  readonly may: readonly Permission[];
};

export const PersonContext = createContext<Person>({
  id: '',
  name: '',
  agency: null,
  agencies: [],
  roles: [],
  may: [],
});

export const usePerson = (): Person => useContext(PersonContext);
export const useMay = (permission: Permission): boolean => usePerson().may.includes(permission);
