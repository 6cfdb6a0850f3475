/** Lists that come a page at a time: the API is asked by cursor, and a button asks for what follows. */
import { type UseInfiniteQueryResult, useInfiniteQuery } from '@tanstack/react-query';
import { get } from '../api.ts';
import { useWords } from '../words.ts';
import { STATE_WORDS } from './states.words.ts';

const PAGE = '50';

/** Of `/api/v1/<name>`, under the query key that begins with the name; filters that say nothing are left out. */
export function usePages<T extends { readonly next: string | null }>(
  name: string,
  filter: Readonly<Record<string, string>> = {},
  options: { readonly refetchInterval?: number } = {},
) {
  return useInfiniteQuery({
    queryKey: [name, filter],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: PAGE });
      for (const [key, value] of Object.entries({ ...filter, cursor: pageParam }))
        if (value.trim() !== '') query.set(key, value.trim());
      return get<T>(`/api/v1/${name}?${query}`, signal);
    },
    getNextPageParam: ({ next }) => next ?? undefined,
    placeholderData: (before) => before,
    ...options,
  });
}

export function More({ pages }: { readonly pages: UseInfiniteQueryResult }) {
  const words = useWords(STATE_WORDS);
  if (!pages.hasNextPage) return null;
  return (
    <div className="more">
      <button
        type="button"
        className="button"
        disabled={pages.isFetchingNextPage}
        onClick={() => void pages.fetchNextPage()}
      >
        {words.more}
      </button>
    </div>
  );
}
