package dev.serval.api.runtime;

/** How weights that are used as the file has them come into memory. */
public enum LoadMode {
  /**
   * They stay in the mapped file: loading is quick, and processes share the pages. Another program
   * that truncates the file while it is in use can end this one.
   */
  MAP,
  /**
   * They are read into memory of the pool, counted in the plan, and the file is closed: nothing
   * that happens to it afterwards matters.
   */
  COPY
}
