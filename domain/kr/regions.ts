/**
 * The 17 sido and their sigungu by administrative code (행정표준코드), with the number of registered residents in thousands: of a sido as
 * published for December 2023, of a sigungu rounded and only good for drawing synthetic citizens. A city that is divided into gu stands as
 * its gu. Source: Ministry of the Interior and Safety, resident registration statistics.
 */
import { romanize } from 'es-hangul';

export type Sigungu = {
  readonly code: string;
  readonly sido: string;
  /** `강남구`, `수원시 장안구`. */
  readonly ko: string;
  /** Revised Romanization, the smaller first: `Jangan-gu, Suwon-si`. */
  readonly en: string;
  readonly thousands: number;
};
export type Sido = {
  readonly code: string;
  readonly ko: string;
  readonly en: string;
  readonly thousands: number;
  readonly sigungu: readonly Sigungu[];
};

/** code, names, thousands, then `last three digits of a sigungu : its name : thousands`. */
const TABLE: readonly (readonly [string, string, string, number, string])[] = [
  [
    '11',
    '서울',
    'Seoul',
    9386,
    '110:종로구:139 140:중구:121 170:용산구:213 200:성동구:277 215:광진구:335 230:동대문구:341 260:중랑구:382 290:성북구:426 305:강북구:287 320:도봉구:306 350:노원구:497 380:은평구:464 410:서대문구:306 440:마포구:364 470:양천구:434 500:강서구:563 530:구로구:392 545:금천구:229 560:영등포구:375 590:동작구:380 620:관악구:481 650:서초구:405 680:강남구:543 710:송파구:654 740:강동구:459',
  ],
  [
    '26',
    '부산',
    'Busan',
    3293,
    '110:중구:39 140:서구:104 170:동구:86 200:영도구:106 230:부산진구:360 260:동래구:272 290:남구:254 320:북구:273 350:해운대구:382 380:사하구:295 410:금정구:216 440:강서구:143 470:연제구:208 500:수영구:173 530:사상구:202 710:기장군:179',
  ],
  [
    '27',
    '대구',
    'Daegu',
    2375,
    '110:중구:88 140:동구:341 170:서구:161 200:남구:136 230:북구:413 260:수성구:408 290:달서구:527 710:달성군:262 720:군위군:23',
  ],
  [
    '28',
    '인천',
    'Incheon',
    2997,
    '110:중구:161 140:동구:59 177:미추홀구:403 185:연수구:390 200:남동구:486 237:부평구:489 245:계양구:283 260:서구:624 710:강화군:69 720:옹진군:20',
  ],
  ['29', '광주', 'Gwangju', 1419, '110:동구:107 140:서구:285 155:남구:211 170:북구:423 200:광산구:394'],
  ['30', '대전', 'Daejeon', 1442, '110:동구:222 140:중구:226 170:서구:464 200:유성구:365 230:대덕구:170'],
  ['31', '울산', 'Ulsan', 1104, '110:중구:208 140:남구:308 170:동구:151 200:북구:218 710:울주군:220'],
  ['36', '세종', 'Sejong', 387, '110:세종시:387'],
  [
    '41',
    '경기',
    'Gyeonggi',
    13631,
    '111:수원시/장안구:274 113:수원시/권선구:363 115:수원시/팔달구:199 117:수원시/영통구:362 131:성남시/수정구:229 133:성남시/중원구:209 135:성남시/분당구:481 150:의정부시:463 171:안양시/만안구:243 173:안양시/동안구:306 190:부천시:780 210:광명시:281 220:평택시:592 250:동두천시:88 271:안산시/상록구:348 273:안산시/단원구:285 281:고양시/덕양구:487 285:고양시/일산동구:295 287:고양시/일산서구:292 290:과천시:79 310:구리시:188 360:남양주시:732 370:오산시:231 390:시흥시:518 410:군포시:260 430:의왕시:156 450:하남시:330 461:용인시/처인구:278 463:용인시/기흥구:433 465:용인시/수지구:366 480:파주시:499 500:이천시:223 550:안성시:190 570:김포시:486 590:화성시:944 610:광주시:391 630:양주시:268 650:포천시:144 670:여주시:114 800:연천군:41 820:가평군:62 830:양평군:126',
  ],
  [
    '51',
    '강원',
    'Gangwon',
    1528,
    '110:춘천시:286 130:원주시:361 150:강릉시:209 170:동해시:88 190:태백시:38 210:속초시:81 230:삼척시:62 720:홍천군:67 730:횡성군:46 750:영월군:37 760:평창군:40 770:정선군:34 780:철원군:41 790:화천군:23 800:양구군:21 810:인제군:32 820:고성군:27 830:양양군:28',
  ],
  [
    '43',
    '충북',
    'Chungbuk',
    1593,
    '111:청주시/상당구:192 112:청주시/서원구:195 113:청주시/흥덕구:271 114:청주시/청원구:194 130:충주시:208 150:제천시:130 720:보은군:31 730:옥천군:49 740:영동군:44 745:증평군:37 750:진천군:86 760:괴산군:36 770:음성군:92 800:단양군:27',
  ],
  [
    '44',
    '충남',
    'Chungnam',
    2130,
    '131:천안시/동남구:251 133:천안시/서북구:405 150:공주시:102 180:보령시:95 200:아산시:345 210:서산시:176 230:논산시:111 250:계룡시:46 270:당진시:170 710:금산군:50 760:부여군:61 770:서천군:49 790:청양군:30 800:홍성군:98 810:예산군:78 825:태안군:61',
  ],
  [
    '52',
    '전북',
    'Jeonbuk',
    1755,
    '111:전주시/완산구:324 113:전주시/덕진구:318 130:군산시:259 140:익산시:270 180:정읍시:104 190:남원시:77 210:김제시:81 710:완주군:98 720:진안군:24 730:무주군:23 740:장수군:21 750:임실군:26 770:순창군:27 790:고창군:51 800:부안군:49',
  ],
  [
    '46',
    '전남',
    'Jeonnam',
    1804,
    '110:목포시:213 130:여수시:271 150:순천시:278 170:나주시:117 230:광양시:152 710:담양군:45 720:곡성군:27 730:구례군:24 770:고흥군:61 780:보성군:37 790:화순군:61 800:장흥군:35 810:강진군:33 820:해남군:64 830:영암군:52 840:무안군:91 860:함평군:30 870:영광군:51 880:장성군:42 890:완도군:46 900:진도군:29 910:신안군:38',
  ],
  [
    '47',
    '경북',
    'Gyeongbuk',
    2554,
    '111:포항시/남구:234 113:포항시/북구:260 130:경주시:247 150:김천시:137 170:안동시:153 190:구미시:404 210:영주시:99 230:영천시:100 250:상주시:93 280:문경시:68 290:경산시:266 730:의성군:49 750:청송군:24 760:영양군:15 770:영덕군:34 820:청도군:41 830:고령군:30 840:성주군:42 850:칠곡군:110 900:예천군:55 920:봉화군:30 930:울진군:46 940:울릉군:9',
  ],
  [
    '48',
    '경남',
    'Gyeongnam',
    3251,
    '121:창원시/의창구:210 123:창원시/성산구:247 125:창원시/마산합포구:178 127:창원시/마산회원구:182 129:창원시/진해구:189 170:진주시:340 220:통영시:119 240:사천시:108 250:김해시:533 270:밀양시:101 310:거제시:234 330:양산시:355 720:의령군:25 730:함안군:60 740:창녕군:56 820:고성군:49 840:남해군:40 850:하동군:41 860:산청군:33 870:함양군:37 880:거창군:60 890:합천군:41',
  ],
  ['50', '제주', 'Jeju', 675, '110:제주시:489 130:서귀포시:182'],
];

const KINDS: Readonly<Record<string, string>> = { 시: 'si', 군: 'gun', 구: 'gu' };

/** Names in 양 whose consonant simply moves over; es-hangul puts an n between. */
const MOVED: Readonly<Record<string, string>> = {
  안양: 'anyang',
  덕양: 'deogyang',
  남양주: 'namyangju',
  단양: 'danyang',
  청양: 'cheongyang',
  담양: 'damyang',
  밀양: 'miryang',
  함양: 'hamyang',
};

/** `강남구` → `Gangnam-gu`. The kind of place is written apart, so its sound does not change the name. */
function romanized(name: string): string {
  const stem = name.slice(0, -1);
  const place = MOVED[stem] ?? romanize(stem);
  return `${place.charAt(0).toUpperCase()}${place.slice(1)}-${KINDS[name.at(-1) ?? '']}`;
}

export const SIDO: readonly Sido[] = TABLE.map(([code, ko, en, thousands, districts]) => ({
  code,
  ko,
  en,
  thousands,
  sigungu: districts.split(' ').map((entry) => {
    const [digits = '', name = '', residents = '0'] = entry.split(':');
    return {
      code: `${code}${digits}`,
      sido: code,
      ko: name.replace('/', ' '),
      en: name.split('/').toReversed().map(romanized).join(', '),
      thousands: Number(residents),
    };
  }),
}));

/** All sigungu, in the order of SIDO. */
export const SIGUNGU: readonly Sigungu[] = SIDO.flatMap((sido) => sido.sigungu);

const BY_CODE: ReadonlyMap<string, Sigungu> = new Map(SIGUNGU.map((one) => [one.code, one]));

/** A sigungu's name within its sido, since many have one name: `서울 중구`, `Jung-gu, Seoul`; undefined where the code is none. */
export function sigunguName(code: string, language: string): string | undefined {
  const place = BY_CODE.get(code);
  const sido = SIDO.find((one) => one.code === place?.sido);
  if (place === undefined || sido === undefined) return undefined;
  // Sejong is its own and only district.
  if (sido.sigungu.length === 1) return language === 'ko' ? place.ko : place.en;
  return language === 'ko' ? `${sido.ko} ${place.ko}` : `${place.en}, ${sido.en}`;
}
