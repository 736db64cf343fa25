import { useCallback, useEffect, useState } from 'react';
import { failureSentence } from './resources';

export interface Answer<T> {
  answer?: T;
  /** Why there is no answer, in a sentence for people. */
  failure?: string;
  waiting: boolean;
  askAgain: () => void;
}

/** Asks the backend when the component appears, and again whenever `ask` changes; `ask` must be memoised. */
export function useAnswer<T>(ask: () => Promise<T>): Answer<T> {
  const [round, setRound] = useState(0);
  const [state, setState] = useState<{ answer?: T; failure?: string; waiting: boolean }>({ waiting: true });

  useEffect(() => {
    // An answer that comes after the component has gone, or has asked anew, must not overwrite the newer one.
    let current = true;
    setState((before) => ({ ...before, waiting: true }));
    ask().then(
      (answer) => current && setState({ answer, waiting: false }),
      (failure) => current && setState((before) => ({ ...before, failure: failureSentence(failure), waiting: false }))
    );
    return () => {
      current = false;
    };
  }, [ask, round]);

  const askAgain = useCallback(() => setRound((before) => before + 1), []);
  return { ...state, askAgain };
}
