package dev.tandem.formats.pytorch;

import dev.tandem.model.ModelFormatException;
import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Reads Python pickles, protocols 2 to 5, and executes nothing: names of classes and functions are
 * inert {@link Symbol}s. What a call of a known one yields is the reader's {@link Meaning} to say;
 * a call of any other yields an {@link Inert} object. Python's {@code pickletools} documents the
 * opcodes. Values are {@link String}, {@link Long}, {@link BigInteger}, {@link Double}, {@link
 * Boolean}, {@code byte[]}, {@link None}, {@link List} (tuples too), {@link Map}, {@link Set},
 * {@link Symbol}, {@link Inert}, and what the {@link Meaning} yields.
 */
final class Pickle {
  /** Every instruction makes at most one object, of less than 100 B besides its text. */
  private static final int MAX_INSTRUCTIONS = 1 << 19;

  /** The name of a class or function, such as {@code collections.OrderedDict}. */
  record Symbol(String name) {}

  /**
   * An object of a class that the {@link Meaning} does not know, or what a function that it does
   * not know would give. It is data: nothing was run to make it.
   */
  static final class Inert {
    private final String name;
    private Map<?, ?> attributes = Map.of();

    private Inert(String name) {
      this.name = name;
    }

    /** The name of the class or function. */
    String name() {
      return name;
    }

    /** The attributes that the pickle states, by name; empty if there are none. */
    Map<?, ?> attributes() {
      return Collections.unmodifiableMap(attributes);
    }
  }

  /** A tuple that is the key of a dictionary or in a set; nothing looks for it. */
  private static final class TupleKey {}

  /** Python's None. */
  enum None {
    NONE
  }

  /** Marks the beginning of the items of a tuple, list or dictionary. */
  private enum Mark {
    MARK
  }

  /** The meaning of symbols and persistent ids. */
  interface Meaning {
    /**
     * Whether a call of a symbol has a meaning; called for every symbol.
     *
     * @throws ModelFormatException if a pickle that names it is refused
     */
    boolean knows(Symbol symbol) throws ModelFormatException;

    /**
     * What a call of a known symbol yields.
     *
     * @throws ModelFormatException if the symbol cannot be called with these arguments
     */
    Object call(Symbol callee, List<?> arguments) throws ModelFormatException;

    /**
     * The meaning of a persistent id.
     *
     * @throws ModelFormatException if it has none
     */
    Object persistent(Object id) throws ModelFormatException;
  }

  private final String path;
  private final PickleInput in;
  private final Meaning meaning;
  private final List<Object> stack = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();

  private Pickle(String path, ByteBuffer in, Meaning meaning) {
    this.path = path;
    this.in = new PickleInput(in);
    this.meaning = meaning;
  }

  /**
   * The value that a pickle holds.
   *
   * @param path for messages
   * @param bytes from the buffer's position on, which is left behind the pickle
   * @throws ModelFormatException if it is malformed, too long, or names a symbol that the meaning
   *     refuses
   */
  static Object read(String path, ByteBuffer bytes, Meaning meaning) throws ModelFormatException {
    Pickle pickle = new Pickle(path, bytes, meaning);
    try {
      Object value = pickle.run();
      bytes.position(bytes.position() + pickle.in.position());
      return value;
    } catch (BufferUnderflowException e) {
      throw pickle.wrong("a STOP instruction", "the end of the pickle");
    }
  }

  private Object run() throws ModelFormatException {
    for (int i = 0; i < MAX_INSTRUCTIONS; i++) {
      int opcode = in.u8();
      if (opcode == '.') {
        return pop();
      }
      step(opcode);
    }
    throw wrong("at most " + MAX_INSTRUCTIONS + " instructions", "more");
  }

  private void step(int opcode) throws ModelFormatException {
    switch (opcode) {
      case 0x80 -> { // PROTO
        int protocol = in.u8();
        if (protocol < 2 || protocol > 5) {
          throw wrong("pickle protocol 2 to 5", "" + protocol);
        }
      }
      case 0x95 -> in.i64(); // FRAME
      case '(' -> push(Mark.MARK);
      case 'N' -> push(None.NONE);
      case 0x88 -> push(true); // NEWTRUE
      case 0x89 -> push(false); // NEWFALSE
      case 'K' -> push((long) in.u8()); // BININT1
      case 'M' -> push((long) in.u16()); // BININT2
      case 'J' -> push(in.i32()); // BININT
      case 0x8a -> push(in.integer(in.u8())); // LONG1
      case 'G' -> push(in.f64()); // BINFLOAT
      case '}' -> push(new LinkedHashMap<>()); // EMPTY_DICT
      case ']' -> push(new ArrayList<>(0)); // EMPTY_LIST
      case 0x8f -> push(new LinkedHashSet<>()); // EMPTY_SET
      case ')' -> push(List.of()); // EMPTY_TUPLE
      case 't' -> push(Collections.unmodifiableList(popToMark())); // TUPLE
      case 0x85, 0x86, 0x87 -> push(popLast(opcode - 0x84)); // TUPLE1 .. TUPLE3
      case 'a' -> add(popLast(1)); // APPEND
      case 'e' -> add(popToMark()); // APPENDS
      case 0x90 -> addToSet(popToMark()); // ADDITEMS
      case 0x91 -> { // FROZENSET
        List<Object> items = popToMark();
        push(new LinkedHashSet<>());
        addToSet(items);
      }
      case 's' -> set(popLast(2)); // SETITEM
      case 'u' -> set(popToMark()); // SETITEMS
      case 'q' -> memo.put((long) in.u8(), top()); // BINPUT
      case 'r' -> memo.put(in.u32(), top()); // LONG_BINPUT
      case 0x94 -> memo.put((long) memo.size(), top()); // MEMOIZE
      case 'h' -> push(memorised(in.u8())); // BINGET
      case 'j' -> push(memorised(in.u32())); // LONG_BINGET
      case 'c' -> push(symbol(in.line(), in.line())); // GLOBAL
      case 0x93 -> { // STACK_GLOBAL
        List<Object> names = popLast(2);
        if (!(names.get(0) instanceof String module) || !(names.get(1) instanceof String name)) {
          throw wrong("the name of a module and of a symbol", kind(names.get(1)));
        }
        push(symbol(module, name));
      }
      case 'i' -> // INST calls a class directly
          throw wrong("no INST instruction", "one for " + symbol(in.line(), in.line()).name());
      case 'R', 0x81 -> call(popLast(2)); // REDUCE, NEWOBJ
      case 0x92 -> call(popLast(3)); // NEWOBJ_EX, whose keywords mean nothing to us
      case 'b' -> build(popLast(1).get(0)); // BUILD
      case 'Q' -> push(meaning.persistent(pop())); // BINPERSID
      default -> push(textOrBytes(opcode));
    }
  }

  private Object textOrBytes(int opcode) throws ModelFormatException {
    return switch (opcode) {
      case 'X' -> in.text(in.u32(), false); // BINUNICODE
      case 0x8c -> in.text(in.u8(), false); // SHORT_BINUNICODE
      case 0x8d -> in.text(in.i64(), false); // BINUNICODE8
      case 'U' -> in.text(in.u8(), true); // SHORT_BINSTRING
      case 'T' -> in.text(in.u32(), true); // BINSTRING
      case 'C' -> in.bytes(in.u8()); // SHORT_BINBYTES
      case 'B' -> in.bytes(in.u32()); // BINBYTES
      case 0x8e, 0x96 -> in.bytes(in.i64()); // BINBYTES8, BYTEARRAY8
      default ->
          throw wrong(
              "an instruction of plain data", String.format(Locale.ROOT, "opcode 0x%02x", opcode));
    };
  }

  private Symbol symbol(String module, String name) throws ModelFormatException {
    Symbol symbol = new Symbol(module + "." + name);
    meaning.knows(symbol);
    return symbol;
  }

  private void call(List<Object> calleeAndArguments) throws ModelFormatException {
    Object callee = calleeAndArguments.get(0);
    if (callee instanceof Inert inert) { // what an unknown function gave
      push(new Inert(inert.name));
      return;
    }
    if (!(callee instanceof Symbol symbol)) {
      throw wrong("the name of a function to call", kind(callee));
    }
    if (!(calleeAndArguments.get(1) instanceof List<?> arguments)) {
      throw wrong("a tuple of arguments for " + symbol.name(), kind(calleeAndArguments.get(1)));
    }
    push(meaning.knows(symbol) ? meaning.call(symbol, arguments) : new Inert(symbol.name()));
  }

  /** Ignores the attributes of a dictionary, such as a state_dict's _metadata. */
  private void build(Object state) throws ModelFormatException {
    if (top() instanceof Inert inert) {
      inert.attributes = state instanceof Map<?, ?> attributes ? attributes : Map.of();
      return;
    }
    if (!(top() instanceof Map) || !(state instanceof Map)) {
      throw wrong("attributes of a dictionary", kind(state) + " for " + kind(top()));
    }
  }

  private void add(List<Object> items) throws ModelFormatException {
    if (top() instanceof Inert) { // a subclass of list
      return;
    }
    if (!(top() instanceof ArrayList<?>)) { // tuples are other kinds of lists
      throw wrong("a list to append to", kind(top()));
    }
    @SuppressWarnings("unchecked") // every ArrayList here was made by EMPTY_LIST
    List<Object> list = (List<Object>) top();
    list.addAll(items);
  }

  private void addToSet(List<Object> items) throws ModelFormatException {
    if (top() instanceof Inert) { // a subclass of set
      return;
    }
    if (!(top() instanceof Set<?>)) {
      throw wrong("a set to add to", kind(top()));
    }
    @SuppressWarnings("unchecked") // every Set here was made by EMPTY_SET
    Set<Object> set = (Set<Object>) top();
    for (Object item : items) {
      set.add(key(item));
    }
  }

  private void set(List<Object> keysAndValues) throws ModelFormatException {
    if (top() instanceof Inert) { // a subclass of dict
      return;
    }
    if (!(top() instanceof Map<?, ?>) || keysAndValues.size() % 2 != 0) {
      throw wrong("a dictionary and pairs of keys and values", kind(top()));
    }
    @SuppressWarnings("unchecked") // every Map here was made by EMPTY_DICT or OrderedDict
    Map<Object, Object> map = (Map<Object, Object>) top();
    for (int i = 0; i < keysAndValues.size(); i += 2) {
      map.put(key(keysAndValues.get(i)), keysAndValues.get(i + 1));
    }
  }

  /**
   * Only texts and numbers may be keys. Hashing a container would recurse deeply, or without end if
   * it contains itself.
   */
  private Object key(Object key) throws ModelFormatException {
    boolean plain =
        key instanceof String
            || key instanceof Number
            || key instanceof Boolean
            || key instanceof None
            || key instanceof Symbol
            || key instanceof Inert;
    if (key instanceof List<?> && !(key instanceof ArrayList<?>)) {
      return new TupleKey();
    }
    if (!plain) {
      throw wrong("a text or number as a key", kind(key));
    }
    return key;
  }

  private Object memorised(long index) throws ModelFormatException {
    Object value = memo.get(index);
    if (value == null) {
      throw wrong("a value in the memo", "none at " + index);
    }
    return value;
  }

  private void push(Object value) {
    stack.add(value);
  }

  private Object top() throws ModelFormatException {
    if (stack.isEmpty() || stack.get(stack.size() - 1) == Mark.MARK) {
      throw wrong("a value on the stack", "none");
    }
    return stack.get(stack.size() - 1);
  }

  private Object pop() throws ModelFormatException {
    top();
    return stack.remove(stack.size() - 1);
  }

  private List<Object> popLast(int n) throws ModelFormatException {
    Object[] values = new Object[n];
    for (int i = n - 1; i >= 0; i--) {
      values[i] = pop();
    }
    return Arrays.asList(values);
  }

  private List<Object> popToMark() throws ModelFormatException {
    int mark = stack.lastIndexOf(Mark.MARK);
    if (mark < 0) {
      throw wrong("a mark on the stack", "none");
    }
    List<Object> above = stack.subList(mark + 1, stack.size());
    List<Object> values = Arrays.asList(above.toArray());
    stack.subList(mark, stack.size()).clear();
    return values;
  }

  private static String kind(Object value) {
    return value instanceof Symbol symbol
        ? symbol.name()
        : value instanceof Inert inert
            ? "an object of " + inert.name
            : value.getClass().getSimpleName();
  }

  private ModelFormatException wrong(String expected, String got) {
    return new ModelFormatException(path, "data.pkl at byte " + in.position(), expected, got);
  }
}
