/** Where one can go: the navigation and the router are both made of this table. A place is loaded when it is first visited. */
import { type ComponentType, lazy } from 'react';
import type { Permission } from './person.ts';
import type { Spoken } from './words.ts';

export type Place = {
  /** Below `/console`; what has a `:` is reached from another place and stands in no navigation. */
  readonly path: string;
  readonly needs: Permission;
  readonly label: Spoken<string>;
  readonly page: ComponentType<{ readonly params: Readonly<Record<string, string>> }>;
};

export const PLACES: readonly Place[] = [
  {
    path: '/',
    needs: 'read',
    label: { ko: '오늘', en: 'Today' },
    page: lazy(async () => ({ default: (await import('./pages/today.tsx')).Today })),
  },
  {
    path: '/rules',
    needs: 'read',
    label: { ko: '규칙', en: 'Rules' },
    page: lazy(async () => ({ default: (await import('./pages/rules.tsx')).Rules })),
  },
  {
    path: '/rules/:id',
    needs: 'read',
    label: { ko: '규칙', en: 'Rule' },
    page: lazy(async () => ({ default: (await import('./pages/rule.tsx')).RulePage })),
  },
];
