package dev.tandem.settings;

/** The types that a model's matrices can be converted to. */
public enum WeightType {
  /** 32-bit floating point. */
  F32,
  /** 16-bit IEEE floating point. */
  F16,
  /** The upper half of an f32. */
  BF16,
  /** 8 bits, with an f16 scale for every block of 32. */
  Q8_0,
  /** 4 bits, with an f16 scale for every block of 32. */
  Q4_0
}
