/**
 * The 17 sido and their sigungu by administrative code (행정표준코드), with the number of registered residents in thousands: of a sido as
 * published for December 2023, of a sigungu rounded and only good for drawing synthetic citizens. A city that is divided into gu stands as
 * its gu. Source: Ministry of the Interior and Safety, resident registration statistics.
 */
export type Sigungu = { readonly code: string; readonly sido: string; readonly thousands: number };
export type Sido = {
  readonly code: string;
  readonly ko: string;
  readonly en: string;
  readonly thousands: number;
  readonly sigungu: readonly Sigungu[];
};

/** code, names, thousands, then `last three digits of a sigungu : thousands`. */
const TABLE: readonly (readonly [string, string, string, number, string])[] = [
  [
    '11',
    '서울',
    'Seoul',
    9386,
    '110:139 140:121 170:213 200:277 215:335 230:341 260:382 290:426 305:287 320:306 350:497 380:464 410:306 440:364 470:434 500:563 530:392 545:229 560:375 590:380 620:481 650:405 680:543 710:654 740:459',
  ],
  [
    '26',
    '부산',
    'Busan',
    3293,
    '110:39 140:104 170:86 200:106 230:360 260:272 290:254 320:273 350:382 380:295 410:216 440:143 470:208 500:173 530:202 710:179',
  ],
  ['27', '대구', 'Daegu', 2375, '110:88 140:341 170:161 200:136 230:413 260:408 290:527 710:262 720:23'],
  [
    '28',
    '인천',
    'Incheon',
    2997,
    '110:161 140:59 177:403 185:390 200:486 237:489 245:283 260:624 710:69 720:20',
  ],
  ['29', '광주', 'Gwangju', 1419, '110:107 140:285 155:211 170:423 200:394'],
  ['30', '대전', 'Daejeon', 1442, '110:222 140:226 170:464 200:365 230:170'],
  ['31', '울산', 'Ulsan', 1104, '110:208 140:308 170:151 200:218 710:220'],
  ['36', '세종', 'Sejong', 387, '110:387'],
  [
    '41',
    '경기',
    'Gyeonggi',
    13631,
    '111:274 113:363 115:199 117:362 131:229 133:209 135:481 150:463 171:243 173:306 190:780 210:281 220:592 250:88 271:348 273:285 281:487 285:295 287:292 290:79 310:188 360:732 370:231 390:518 410:260 430:156 450:330 461:278 463:433 465:366 480:499 500:223 550:190 570:486 590:944 610:391 630:268 650:144 670:114 800:41 820:62 830:126',
  ],
  [
    '51',
    '강원',
    'Gangwon',
    1528,
    '110:286 130:361 150:209 170:88 190:38 210:81 230:62 720:67 730:46 750:37 760:40 770:34 780:41 790:23 800:21 810:32 820:27 830:28',
  ],
  [
    '43',
    '충북',
    'Chungbuk',
    1593,
    '111:192 112:195 113:271 114:194 130:208 150:130 720:31 730:49 740:44 745:37 750:86 760:36 770:92 800:27',
  ],
  [
    '44',
    '충남',
    'Chungnam',
    2130,
    '131:251 133:405 150:102 180:95 200:345 210:176 230:111 250:46 270:170 710:50 760:61 770:49 790:30 800:98 810:78 825:61',
  ],
  [
    '52',
    '전북',
    'Jeonbuk',
    1755,
    '111:324 113:318 130:259 140:270 180:104 190:77 210:81 710:98 720:24 730:23 740:21 750:26 770:27 790:51 800:49',
  ],
  [
    '46',
    '전남',
    'Jeonnam',
    1804,
    '110:213 130:271 150:278 170:117 230:152 710:45 720:27 730:24 770:61 780:37 790:61 800:35 810:33 820:64 830:52 840:91 860:30 870:51 880:42 890:46 900:29 910:38',
  ],
  [
    '47',
    '경북',
    'Gyeongbuk',
    2554,
    '111:234 113:260 130:247 150:137 170:153 190:404 210:99 230:100 250:93 280:68 290:266 730:49 750:24 760:15 770:34 820:41 830:30 840:42 850:110 900:55 920:30 930:46 940:9',
  ],
  [
    '48',
    '경남',
    'Gyeongnam',
    3251,
    '121:210 123:247 125:178 127:182 129:189 170:340 220:119 240:108 250:533 270:101 310:234 330:355 720:25 730:60 740:56 820:49 840:40 850:41 860:33 870:37 880:60 890:41',
  ],
  ['50', '제주', 'Jeju', 675, '110:489 130:182'],
];

export const SIDO: readonly Sido[] = TABLE.map(([code, ko, en, thousands, districts]) => ({
  code,
  ko,
  en,
  thousands,
  sigungu: districts.split(' ').map((entry) => {
    const [digits = '', residents = '0'] = entry.split(':');
    return { code: `${code}${digits}`, sido: code, thousands: Number(residents) };
  }),
}));

/** All sigungu, in the order of SIDO. */
export const SIGUNGU: readonly Sigungu[] = SIDO.flatMap((sido) => sido.sigungu);
