package dev.tandem.runtime;

import java.util.List;

/** Compares rows of floats to the bit. */
public final class Bits {
  private Bits() {}

  /** The first place where two lists of rows differ, in words; empty if they are equal. */
  public static String firstDifference(List<float[]> expected, List<float[]> actual) {
    if (expected.isEmpty()) {
      return "nothing to compare";
    }
    if (expected.size() != actual.size()) {
      return "rows: expected " + expected.size() + ", got " + actual.size();
    }
    for (int row = 0; row < expected.size(); row++) {
      float[] want = expected.get(row);
      float[] got = actual.get(row);
      if (want.length != got.length) {
        return "row " + row + ": expected " + want.length + " floats, got " + got.length;
      }
      for (int i = 0; i < want.length; i++) {
        if (Float.floatToRawIntBits(want[i]) != Float.floatToRawIntBits(got[i])) {
          return "row " + row + ", column " + i + ": expected " + want[i] + ", got " + got[i];
        }
      }
    }
    return "";
  }
}
