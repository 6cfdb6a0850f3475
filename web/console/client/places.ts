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
  {
    path: '/campaigns',
    needs: 'read',
    label: { ko: '발송', en: 'Campaigns' },
    page: lazy(async () => ({ default: (await import('./pages/campaigns.tsx')).Campaigns })),
  },
  {
    path: '/campaigns/:id',
    needs: 'read',
    label: { ko: '발송', en: 'Campaign' },
    page: lazy(async () => ({ default: (await import('./pages/campaign.tsx')).CampaignPage })),
  },
  {
    path: '/support',
    needs: 'support',
    label: { ko: '응대', en: 'Support' },
    page: lazy(async () => ({ default: (await import('./pages/support.tsx')).Support })),
  },
  {
    path: '/quarantine',
    needs: 'mend',
    label: { ko: '격리', en: 'Quarantine' },
    page: lazy(async () => ({ default: (await import('./pages/quarantine.tsx')).Quarantine })),
  },
  {
    path: '/quarantine/:id',
    needs: 'mend',
    label: { ko: '격리', en: 'Quarantine' },
    page: lazy(async () => ({ default: (await import('./pages/quarantine.tsx')).QuarantineCase })),
  },
  {
    path: '/health',
    needs: 'operate',
    label: { ko: '상태', en: 'Health' },
    page: lazy(async () => ({ default: (await import('./pages/health.tsx')).HealthPage })),
  },
  {
    path: '/audit',
    needs: 'audit',
    label: { ko: '감사', en: 'Audit' },
    page: lazy(async () => ({ default: (await import('./pages/audit.tsx')).Audit })),
  },
];
