/** What the register says of a synthetic citizen, in the field catalogue's terms. */
export type SyntheticChild = {
  id: string;
  birthDate: string;
  lastInfantCheckup?: number;
  lastOralCheckup?: number;
  lastInfluenzaSeason?: number;
};

export type SyntheticProfile = {
  birthDate: string;
  sex: 'F' | 'M';
  sido: string;
  sigungu: string;
  insurance: 'employee' | 'dependant' | 'regional' | 'medical-aid';
  /** Only where a caller adds it. */
  nonOffice?: boolean;
  /** Absent where the register does not know. */
  lastCheckupYear?: number;
  student?: 'enrolled' | 'admitted' | 'none';
  /** Absent for most: known only after applying. */
  incomeBracket?: number;
  disabled?: boolean;
  /** Years, 0 for never; absent where the register does not know. */
  lastStomachScreening?: number;
  lastColorectalScreening?: number;
  lastBreastScreening?: number;
  lastCervicalScreening?: number;
  /** Half-years as 20261, 0 for never; only of those at high risk. */
  lastLiverScreening?: number;
  liverRisk?: boolean;
  incomeTaxFiler?: 'none' | 'general' | 'faithful';
  /** Absent where no questionnaire of a check-up asked. */
  smoking?: 'never' | 'former' | 'current';
  packYears?: number;
  smokingQuitYear?: number;
  lastLungScreening?: number;
  vatPayer?: 'none' | 'general' | 'simplified';
  household?: 'single' | 'one-earner' | 'two-earner';
  /** Million won, 250 for more. */
  householdIncome?: number;
  householdAssets?: number;
  earnings?: 'none' | 'wage' | 'other';
  /** Absent for those who have no licence. */
  licenceTerm?: number;
  licenceRenewedYear?: number;
  pensionYears?: number;
  pensionClaimed?: boolean;
  /** Thousand won a month; absent for most: assessed after applying. */
  recognisedIncome?: number;
  spouse?: boolean;
  incomePercentile?: number;
  /** The year in which the season began, 0 for never. */
  lastInfluenzaSeason?: number;
  pregnant?: boolean;
  singleParent?: boolean;
  largeFamily?: boolean;
  veteran?: boolean;
  jobSeeker?: 'none' | 'registered' | 'beneficiary';
  /** Empty for those without; absent where the register does not know. */
  children?: SyntheticChild[];
};
