/** Whom a step, a stop or a text is by, said one way on every page: staff by their name, programs and keys by what they are. */
import { type Spoken, useWords } from '../words.ts';

type ActorWords = {
  readonly allim: string;
  readonly administrator: string;
  readonly key: (name: string) => string;
};

const WORDS: Spoken<ActorWords> = {
  ko: { allim: '알림 시스템', administrator: '관리자', key: (name) => `기관 프로그램 ${name}` },
  en: {
    allim: 'Allim itself',
    administrator: 'the administrator',
    key: (name) => `an agency’s program ${name}`,
  },
};

/** `name` as the API has it beside the id; staff whose name it does not know are called by what they sign in with. */
export function useActor(): (id: string, name: string | null | undefined) => string {
  const words = useWords(WORDS);
  return (id, name) => {
    if (name != null && name !== '') return name;
    if (id === 'allim') return words.allim;
    if (id === 'administrator') return words.administrator;
    const [kind, of = ''] = id.split(':');
    return kind === 'key' ? words.key(of) : kind === 'staff' ? of : id;
  };
}
