package dev.serval.engine.grammar;

import org.jspecify.annotations.Nullable;

/**
 * Runs a program over bytes. States are made when they are first reached and found again
 * afterwards. Confined to one thread at a time.
 */
final class Automaton {

  private final Program program;
  private final Alphabet alphabet;
  private final Memory memory;
  private final Closure closure;

  Automaton(Program program, GrammarLimits limits) {
    this.program = program;
    this.alphabet = program.alphabet;
    this.memory = new Memory(limits, program.bytes);
    this.closure = new Closure(program, memory, limits.stackDepth());
  }

  Program program() {
    return program;
  }

  Memory memory() {
    return memory;
  }

  /** The state before any text. */
  State start() {
    closure.begin();
    closure.add(program.root, Stacks.BOTTOM);
    return closure.end();
  }

  /** The state after a byte; {@link State#isDead} if the grammar forbids it. */
  State step(State state, byte b) {
    return stepClass(state, alphabet.classOf(b));
  }

  private State stepClass(State state, int byteClass) {
    memory.refresh(state);
    State[] next = state.next;
    if (next != null) {
      State known = next[byteClass];
      if (known != null) {
        return known;
      }
    }
    memory.trim();
    State made = make(state, byteClass);
    memory.refresh(state);
    next = state.next;
    if (next == null) {
      next = new State[alphabet.classes()];
      state.next = next;
      memory.take(16 + 4L * next.length);
    }
    next[byteClass] = made;
    return made;
  }

  private State make(State state, int byteClass) {
    closure.begin();
    memory.work(state.tops.length);
    for (int i = 0; i < state.tops.length; i++) {
      int node = State.node(state.tops[i]);
      if (!program.readsChar(node)) {
        continue;
      }
      int to = alphabet.next(State.charState(state.tops[i]), byteClass);
      if (to == Utf8Automaton.DONE) {
        closure.add(program.nodes.next[node], state.stacks[i]);
      } else if (to != Utf8Automaton.DEAD) {
        closure.addPartial(node, to, state.stacks[i]);
      }
    }
    return closure.end();
  }

  /** The state after some bytes. */
  State run(State from, byte[] bytes) {
    State state = from;
    for (int i = 0; i < bytes.length && !state.isDead(); i++) {
      state = step(state, bytes[i]);
    }
    return state;
  }

  /**
   * The state after a token.
   *
   * @param bytes what the token stands for in text; null if it may be read by its id only
   */
  State accept(State from, int token, byte @Nullable [] bytes) {
    closure.begin();
    boolean named = false;
    for (int i = 0; i < from.tops.length; i++) {
      int node = State.node(from.tops[i]);
      if (program.readsToken(node) && names(program.term(node), token)) {
        closure.add(program.nodes.next[node], from.stacks[i]);
        named = true;
      }
    }
    if (!named) {
      return bytes == null ? dead() : run(from, bytes);
    }
    State byName = closure.end();
    State byText = bytes == null ? dead() : run(from, bytes);
    return byText.isDead() ? byName : merge(byName, byText);
  }

  private static boolean names(Expr.Token term, int token) {
    return (term.id() == token) != term.negated();
  }

  private State dead() {
    closure.begin();
    return closure.end();
  }

  /** The state of texts that are in one of two. */
  private State merge(State a, State b) {
    closure.begin();
    closure.addAll(a);
    closure.addAll(b);
    return closure.end();
  }

  /** Whether a state has places that read tokens by their ids. */
  boolean readsTokens(State state) {
    if (program.tokenTerms.isEmpty()) {
      return false;
    }
    for (long top : state.tops) {
      if (program.readsToken(State.node(top))) {
        return true;
      }
    }
    return false;
  }
}
