/**
 * What the programmes ask about synthetic people beyond who they are: check-ups, taxes, licences, pensions, vaccinations, families, work.
 * Shares are those of the catalogue of programmes where it has them, else published ones (named beside them), else marked "assumed".
 * Each person takes the same number of draws whatever comes of them, so that a change to one fact moves no other.
 */
import type { SyntheticChild, SyntheticProfile } from './synthetic-profile.ts';

type Today = { readonly today: number; readonly year: number };
type Person = Today & { readonly age: number };
type Draws = Float64Array;

/** Half of those who are due have been; one in eight never was. `turn` is the last year in which it was this person's turn. */
function lastScreening(random: number, turn: number, every: number): number | undefined {
  if (random < 0.06) return undefined;
  if (random < 0.18) return 0;
  return random < 0.6 ? turn : random < 0.87 ? turn - every : turn - 2 * every;
}

/** Screenings and tax, as CATALOGUE.md says whom they concern. What a register does not know is left out. */
export function addScreeningsAndTax(
  profile: SyntheticProfile,
  age: number,
  year: number,
  random: () => number,
): void {
  const draws = [random(), random(), random(), random(), random(), random(), random()] as const;
  const yearAge = year - Number(profile.birthDate.slice(0, 4));
  const turn = yearAge % 2 === 0 ? year : year - 1;
  const set = (
    name:
      | 'lastStomachScreening'
      | 'lastColorectalScreening'
      | 'lastBreastScreening'
      | 'lastCervicalScreening',
    last: number | undefined,
  ) => {
    if (last !== undefined) profile[name] = last;
  };
  if (yearAge >= 40) set('lastStomachScreening', lastScreening(draws[0], turn, 2));
  if (yearAge >= 50) set('lastColorectalScreening', lastScreening(draws[1], year, 1));
  if (profile.sex === 'F' && yearAge >= 40) set('lastBreastScreening', lastScreening(draws[2], turn, 2));
  if (profile.sex === 'F' && yearAge >= 20) set('lastCervicalScreening', lastScreening(draws[3], turn, 2));
  if (yearAge >= 40 && draws[4] < 0.97) {
    profile.liverRisk = draws[4] < 0.031;
    if (profile.liverRisk)
      profile.lastLiverScreening =
        draws[5] < 0.15 ? 0 : draws[5] < 0.55 ? year * 10 + 1 : (year - 1) * 10 + 2;
  }
  if (age < 19) profile.incomeTaxFiler = 'none';
  else if (draws[6] < 0.97) {
    const filers = profile.insurance === 'regional' ? 0.56 : profile.insurance === 'employee' ? 0.12 : 0.05;
    profile.incomeTaxFiler =
      draws[6] >= filers * 0.97 ? 'none' : draws[6] < filers * 0.03 ? 'faithful' : 'general';
  }
}

/** Adults 19 and over; smoking by sex after the National Health and Nutrition Survey of 2022 (current: men 30 %, women 5 %). */
function addSmoking(profile: SyntheticProfile, age: number, year: number, draws: Draws, at: number): void {
  if (profile.lastCheckupYear === undefined) return;
  const [current, former] = profile.sex === 'M' ? [0.3, 0.35] : [0.05, 0.06];
  const draw = draws[at]!;
  profile.smoking = draw < current ? 'current' : draw < current + former ? 'former' : 'never';
  // Half a pack a day from 20 on, give or take all of it (assumed).
  if (profile.smoking !== 'never') profile.packYears = Math.round(Math.max(0, age - 20) * draws[at + 1]!);
  if (profile.smoking === 'former') profile.smokingQuitYear = year - 1 - Math.floor(draws[at + 2]! * 25);
  // Of those who may take part half do (assumed).
  if (age >= 53 && age <= 75)
    profile.lastLungScreening =
      (profile.packYears ?? 0) >= 30 && draws[at + 3]! < 0.5 ? year - 1 - Math.floor(draws[at + 4]! * 3) : 0;
}

/** Individual VAT payers are one adult in six, most of them insured by region (assumed; some seven million are registered). */
function addBusiness(profile: SyntheticProfile, draws: Draws, at: number): void {
  const [general, simplified] =
    profile.insurance === 'regional'
      ? [0.33, 0.17]
      : profile.insurance === 'employee'
        ? [0.04, 0.02]
        : [0.01, 0.02];
  const draw = draws[at]!;
  if (draw < 0.97)
    profile.vatPayer = draw < general ? 'general' : draw < general + simplified ? 'simplified' : 'none';
  // Of all adults, not only of those who claim (assumed).
  const kind = draws[at + 1]!;
  profile.household = kind < 0.35 ? 'single' : kind < 0.65 ? 'one-earner' : 'two-earner';
  const earning = draws[at + 2]!;
  profile.earnings =
    profile.insurance === 'employee'
      ? earning < 0.9
        ? 'wage'
        : 'other'
      : earning < 0.3
        ? 'none'
        : earning < 0.5
          ? 'wage'
          : 'other';
  // One in ten households has an income or assets that the register does not know; one adult in eight is below the limits (assumed).
  const usual = profile.household === 'single' ? 25 : profile.household === 'one-earner' ? 30 : 45;
  if (draws[at + 3]! < 0.9)
    profile.householdIncome =
      profile.earnings === 'none' ? 0 : Math.floor(usual * (0.25 + 2.5 * draws[at + 4]!));
  if (draws[at + 5]! < 0.9)
    profile.householdAssets = Math.min(250, Math.floor(1_500 * draws[at + 6]! * draws[at + 7]!));
}

/** 34 million licences among 44 million who are 18 and over (National Police Agency, 2023). */
function addLicence(profile: SyntheticProfile, { age, year }: Person, draws: Draws, at: number): void {
  if (draws[at]! >= (age >= 75 ? 0.4 : age >= 65 ? 0.62 : 0.82)) return;
  const since = Math.floor(draws[at + 1]! * Math.min(age - 17, age >= 78 ? 4 : age >= 70 ? 6 : 11));
  profile.licenceRenewedYear = year - since;
  profile.licenceTerm = age - since >= 75 ? 3 : age - since >= 65 ? 5 : 10;
}

/** 22 million insured of 18 to 59 (National Pension Service, 2023), half of those past 60 with ten years; incomes assessed for those who applied. */
function addPension(profile: SyntheticProfile, age: number, draws: Draws, at: number): void {
  const working = Math.max(0, Math.min(age, 60) - 22);
  if (draws[at]! < 0.95) profile.pensionYears = draws[at]! < 0.78 ? Math.floor(working * draws[at + 1]!) : 0;
  profile.pensionClaimed = draws[at + 2]! < (age >= 65 ? 0.97 : age >= 63 ? 0.9 : 0.12);
  // Six adults in ten are married (census of 2020).
  if (draws[at + 3]! < 0.97) profile.spouse = draws[at + 3]! < (age >= 80 ? 0.4 : 0.68);
  // Seven in ten of 65 and over draw the basic pension; before that nobody's income has been looked at.
  if (age >= 65 && draws[at + 4]! < 0.7) profile.recognisedIncome = Math.round(2_470 * draws[at + 4]!);
}

/** Work, families and merit. Job seekers: 600,000 with benefit and as many registered (Employment Service, 2023). Veterans: 830,000 (2023). */
function addStanding(profile: SyntheticProfile, { age, year }: Person, draws: Draws, at: number): void {
  const seeks = age >= 15 && age < 70 ? draws[at]! : 1;
  profile.jobSeeker = seeks < 0.016 ? 'beneficiary' : seeks < 0.033 ? 'registered' : 'none';
  profile.veteran = draws[at + 1]! < (age >= 65 ? 0.06 : age >= 19 ? 0.008 : 0);
  if (age >= 18 && draws[at + 2]! < 0.85) profile.incomePercentile = 1 + Math.floor(draws[at + 3]! * 100);
  // 230,000 births a year among 8.3 million women of 20 to 44 (2023), nine months of each: two in a hundred. Most registers say nothing.
  if (profile.sex === 'F' && age >= 20 && age < 45 && draws[at + 4]! < 0.8)
    profile.pregnant = draws[at + 4]! < 0.017;
  // Eight in ten of 65 and over are vaccinated each season (Korea Disease Control and Prevention Agency).
  if (age >= 60 || profile.pregnant === true)
    profile.lastInfluenzaSeason = draws[at + 5]! < 0.25 ? year : draws[at + 5]! < 0.8 ? year - 1 : 0;
  // Whom the register knows to have no children.
  if (profile.children === undefined && draws[at + 6]! < 0.97) profile.children = [];
  if (profile.children !== undefined && profile.children.length > 0) {
    profile.largeFamily = profile.children.length >= 2;
    // 7 % of families with children under 18 (assumed from the census).
    profile.singleParent = draws[at + 6]! < 0.07;
  }
}

const DRAWS = 27;
/** One after the other fills it anew: an array a person would cost more than its numbers. */
const draws: Draws = new Float64Array(DRAWS);

/** After the household is known: what is asked of parents depends on it. */
export function addFurtherFacts(profile: SyntheticProfile, person: Person, random: () => number): void {
  for (let n = 0; n < DRAWS; n++) draws[n] = random();
  const { age, year } = person;
  // A register tells what a programme may ask of somebody of that age, and no more.
  if (age >= 19) addSmoking(profile, age, year, draws, 0);
  if (age >= 19) addBusiness(profile, draws, 5);
  else profile.vatPayer = 'none';
  if (age >= 18) addLicence(profile, person, draws, 13);
  if (age >= 59) addPension(profile, age, draws, 15);
  addStanding(profile, person, draws, 20);
}

/** Windows of the check-ups in months, from and to; the first is counted in days. */
const INFANT_MONTHS = [0, 4, 9, 18, 30, 42, 54, 66];
const ORAL_MONTHS = [18, 30, 42, 54];

function lastOf(months: readonly number[], age: number, draw: number): number {
  const reached = months.filter((from) => age >= from).length;
  // Three in four have had the check-up of their window, the others the one before (assumed).
  return Math.max(0, reached - (draw < 0.75 ? 0 : 1));
}

function addChildFacts(child: SyntheticChild, { today, year }: Today, draws: readonly number[]): void {
  const days = today - Date.parse(child.birthDate) / 86_400_000;
  const months = days / 30.4369;
  if (months < 84 && draws[0]! < 0.97) {
    child.lastInfantCheckup = lastOf(INFANT_MONTHS, months, draws[1]!);
    child.lastOralCheckup = lastOf(ORAL_MONTHS, months, draws[2]!);
  }
  // 70 % of children are vaccinated each season; a third of them by the beginning of November (assumed).
  if (draws[3]! < 0.97)
    child.lastInfluenzaSeason = months < 6 ? 0 : draws[3]! < 0.25 ? year : draws[3]! < 0.7 ? year - 1 : 0;
}

export function addChildrensFacts(profile: SyntheticProfile, day: Today, random: () => number): void {
  for (const child of profile.children ?? [])
    addChildFacts(child, day, [random(), random(), random(), random()]);
}
