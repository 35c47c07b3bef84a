package dev.serval.engine.run;

/** Which steps are checked before a program gets them. */
public enum Validation {
  /** Every step. */
  FULL,
  /** The first step of each shape of each model. */
  ONCE,
  /** None. A program still reads nothing outside its memory. */
  OFF
}
