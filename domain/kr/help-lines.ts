/** Whom people call who were cheated, or fear it. */
export const HELP_LINES = {
  police: '112',
  fraud: '118',
  fraudAgency: {
    ko: '한국인터넷진흥원',
    en: 'Korea Internet & Security Agency',
    vi: 'Cơ quan An ninh Internet Hàn Quốc',
  },
} as const;
