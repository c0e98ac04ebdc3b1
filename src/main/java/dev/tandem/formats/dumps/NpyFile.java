package dev.tandem.formats.dumps;

import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One matrix in NumPy's format: {@code \x93NUMPY}, u8 major and minor version, the length of the
 * header (u16 in version 1, u32 in 2 and 3), the header (a Python dictionary with {@code descr},
 * {@code fortran_order} and {@code shape}), the data. Source: NumPy's format specification.
 *
 * @param dtype F32 or F16
 * @param rows first extent
 * @param cols second extent
 * @param data {@code [rows, cols]} row-major
 */
record NpyFile(DType dtype, int rows, int cols, TensorData data) {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int PREFIX_BYTES = MAGIC.length + 2;

  /**
   * Enough for a header of three short members; NumPy itself accepts no more than 10,000
   * characters.
   */
  private static final int MAX_HEADER_BYTES = 10_000;

  private static final String DICTIONARY = "{'descr': .., 'fortran_order': .., 'shape': ..}";

  private static final Pattern MEMBER =
      Pattern.compile(
          "\\s*'(\\w+)'\\s*:\\s*('[^']*'|True|False|\\([\\d,\\s]*\\))\\s*(?:,|(?=\\s*}))");

  private static final Pattern MATRIX =
      Pattern.compile("\\(\\s*(\\d{1,9})\\s*,\\s*(\\d{1,9})\\s*,?\\s*\\)");

  /**
   * Reads the header of a file.
   *
   * @throws ModelFormatException if it is malformed, is not a matrix of f32 or f16 in C order, or
   *     does not fit the file
   * @throws IOException if it cannot be read
   */
  static NpyFile read(OpenFile file) throws IOException {
    return new Reader(file).read();
  }

  /** Reads one header. */
  private static final class Reader {
    private final OpenFile file;
    private final String path;
    private String descr = "nothing";
    private String fortranOrder = "nothing";
    private String shape = "nothing";

    Reader(OpenFile file) {
      this.file = file;
      this.path = file.path();
    }

    NpyFile read() throws IOException {
      long begin = parseHeader();
      DType dtype =
          switch (descr) {
            case "'<f4'" -> DType.F32;
            case "'<f2'" -> DType.F16;
            default -> throw wrong("descr", "'<f4' or '<f2' (save it with astype(\"<f4\"))", descr);
          };
      if (!fortranOrder.equals("False")) {
        throw wrong("fortran_order", "False (save it with numpy.ascontiguousarray)", fortranOrder);
      }
      Matcher matrix = MATRIX.matcher(shape);
      if (!matrix.matches()) {
        throw wrong("shape", "two extents", shape);
      }
      int rows = Integer.parseInt(matrix.group(1));
      int cols = Integer.parseInt(matrix.group(2));
      if (rows < 1 || cols < 1) {
        throw wrong("shape", "two positive extents", shape);
      }
      long bytes = dtype.bytes((long) rows * cols);
      if (file.data().bytes() != begin + bytes) {
        throw wrong("file length", begin + bytes + " B for its shape", file.data().bytes() + " B");
      }
      return new NpyFile(dtype, rows, cols, file.data().region(begin, bytes));
    }

    /** The beginning of the data. */
    private long parseHeader() throws IOException {
      ByteBuffer prefix = slice(0, PREFIX_BYTES);
      for (byte expected : MAGIC) {
        if (prefix.get() != expected) {
          throw wrong("magic", "\\x93NUMPY", "something else");
        }
      }
      int version = prefix.get();
      if (version < 1 || version > 3) {
        throw wrong("version", "1, 2 or 3", "" + version);
      }
      int lengthBytes = version == 1 ? Short.BYTES : Integer.BYTES;
      ByteBuffer field = slice(PREFIX_BYTES, lengthBytes);
      long length =
          version == 1
              ? Short.toUnsignedLong(field.getShort())
              : Integer.toUnsignedLong(field.getInt());
      if (length > MAX_HEADER_BYTES) {
        throw wrong("header length", "at most " + MAX_HEADER_BYTES + " B", length + " B");
      }
      int begin = PREFIX_BYTES + lengthBytes;
      byte[] header = new byte[(int) length];
      slice(begin, header.length).get(header);
      parseMembers(new String(header, StandardCharsets.ISO_8859_1).strip());
      return begin + length;
    }

    private void parseMembers(String header) throws ModelFormatException {
      Matcher member = MEMBER.matcher(header);
      int at = 1;
      int members = 0;
      if (!header.startsWith("{")) {
        throw wrong("header", DICTIONARY, header);
      }
      for (; member.region(at, header.length()).lookingAt(); members++) {
        String value = member.group(2);
        switch (member.group(1)) {
          case "descr" -> descr = value;
          case "fortran_order" -> fortranOrder = value;
          case "shape" -> shape = value;
          default -> throw wrong("header", "no other member", member.group(1));
        }
        at = member.end();
      }
      if (members != 3 || !header.substring(at).strip().equals("}")) {
        throw wrong("header", DICTIONARY, header);
      }
    }

    private ByteBuffer slice(long offset, int length) throws IOException {
      if (offset + length > file.data().bytes()) {
        throw wrong(
            "file length",
            "at least " + (offset + length) + " B of header",
            file.data().bytes() + " B");
      }
      return file.data().slice(offset, length);
    }

    private ModelFormatException wrong(String field, String expected, String got) {
      return new ModelFormatException(path, field, expected, got);
    }
  }
}
