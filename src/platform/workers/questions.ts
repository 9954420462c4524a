/** Questions to the other end of a channel, told apart by number. */
export interface Questions<T> {
  /** The answer; undefined: none within so many milliseconds. */
  ask(send: (question: number) => void, within: number): Promise<T | undefined>;
  answered(question: number, answer: T): void;
  /** Nobody will answer any more. */
  giveUp(): void;
}

export function createQuestions<T>(): Questions<T> {
  const open = new Map<number, (answer: T | undefined) => void>();
  let asked = 0;
  return {
    ask: (send, within) =>
      new Promise((resolve) => {
        const question = ++asked;
        const finish = (answer: T | undefined): void => {
          clearTimeout(timer);
          open.delete(question);
          resolve(answer);
        };
        const timer = setTimeout(finish, within, undefined);
        open.set(question, finish);
        send(question);
      }),
    // One that comes too late finds nobody.
    answered: (question, answer) => open.get(question)?.(answer),
    giveUp: () => {
      for (const finish of open.values()) finish(undefined);
    },
  };
}
