/** The seventeen provinces as tiles about where they lie, so that one sees the country at a glance and small ones as well as large ones. */
export type Tile = {
  readonly code: string;
  readonly ko: string;
  readonly en: string;
  readonly x: number;
  readonly y: number;
};

export const TILES: readonly Tile[] = [
  { code: '28', ko: '인천', en: 'Incheon', x: 0, y: 0 },
  { code: '11', ko: '서울', en: 'Seoul', x: 1, y: 0 },
  { code: '41', ko: '경기', en: 'Gyeonggi', x: 2, y: 0 },
  { code: '51', ko: '강원', en: 'Gangwon', x: 3, y: 0 },
  { code: '44', ko: '충남', en: 'Chungnam', x: 0, y: 1 },
  { code: '36', ko: '세종', en: 'Sejong', x: 1, y: 1 },
  { code: '43', ko: '충북', en: 'Chungbuk', x: 2, y: 1 },
  { code: '47', ko: '경북', en: 'Gyeongbuk', x: 3, y: 1 },
  { code: '52', ko: '전북', en: 'Jeonbuk', x: 0, y: 2 },
  { code: '30', ko: '대전', en: 'Daejeon', x: 1, y: 2 },
  { code: '27', ko: '대구', en: 'Daegu', x: 2, y: 2 },
  { code: '31', ko: '울산', en: 'Ulsan', x: 3, y: 2 },
  { code: '46', ko: '전남', en: 'Jeonnam', x: 0, y: 3 },
  { code: '29', ko: '광주', en: 'Gwangju', x: 1, y: 3 },
  { code: '48', ko: '경남', en: 'Gyeongnam', x: 2, y: 3 },
  { code: '26', ko: '부산', en: 'Busan', x: 3, y: 3 },
  { code: '50', ko: '제주', en: 'Jeju', x: 0, y: 4 },
];
