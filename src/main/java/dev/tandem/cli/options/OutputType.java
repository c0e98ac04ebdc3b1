package dev.tandem.cli.options;

import dev.tandem.tensor.DType;

/** The types that {@code convert} can make. */
public enum OutputType {
  F32(DType.F32),
  F16(DType.F16),
  BF16(DType.BF16),
  Q8_0(DType.Q8_0),
  Q4_0(DType.Q4_0);

  private final DType dtype;

  OutputType(DType dtype) {
    this.dtype = dtype;
  }

  public DType dtype() {
    return dtype;
  }
}
