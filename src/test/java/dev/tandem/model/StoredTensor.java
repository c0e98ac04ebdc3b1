package dev.tandem.model;

import dev.tandem.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;

/** A tensor that a test writes into a file, row-major. */
public final class StoredTensor {
  private final String name;
  private final DType dtype;
  private final List<Long> shape;
  private final byte[] bytes;

  public StoredTensor(String name, DType dtype, List<Long> shape, byte[] bytes) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.bytes = bytes;
  }

  public String name() {
    return name;
  }

  public DType dtype() {
    return dtype;
  }

  public List<Long> shape() {
    return shape;
  }

  public byte[] bytes() {
    return bytes;
  }

  public StoredTensor named(String other) {
    return new StoredTensor(other, dtype, shape, bytes);
  }

  /** A safetensors file. */
  public static byte[] safetensors(List<StoredTensor> tensors) {
    StringBuilder header = new StringBuilder("{\"__metadata__\": {\"format\": \"pt\"}");
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (StoredTensor tensor : tensors) {
      int begin = data.size();
      data.writeBytes(tensor.bytes);
      header.append(
          String.format(
              ", \"%s\": {\"dtype\": \"%s\", \"shape\": %s, \"data_offsets\": [%d, %d]}",
              tensor.name, tensor.dtype, tensor.shape, begin, data.size()));
    }
    return TestModels.safetensors(header.append("}").toString(), data.toByteArray());
  }

  /** The index of a sharded model. */
  public static String index(Map<String, String> weightMap) {
    StringBuilder json = new StringBuilder("{\"metadata\": {\"total_size\": 1}, \"weight_map\": {");
    weightMap.forEach(
        (tensor, file) ->
            json.append(json.toString().endsWith("{") ? "" : ", ")
                .append("\"" + tensor + "\": \"" + file + "\""));
    return json.append("}}").toString();
  }
}
