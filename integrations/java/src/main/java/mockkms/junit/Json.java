package mockkms.junit;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** JSON as maps, lists, strings, numbers (long or double), booleans and null. */
final class Json {
    private static final Pattern STRING = Pattern.compile("\"((?:[^\"\\\\]++|\\\\.)*+)\"");
    private static final Pattern SCALAR = Pattern.compile("[^,\\]}\\s]+");
    private static final Pattern ESCAPE = Pattern.compile("\\\\(?:u(\\p{XDigit}{4})|[^u])");
    private final String text;
    private int at;

    private Json(String text) { this.text = text; }

    static Object read(String text) { return new Json(text).value(); }

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Object value) { return (Map<String, Object>) value; }

    static String write(Object value) {
        if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream().map(entry -> quote(entry.getKey().toString()) + ":" + write(entry.getValue()))
                .collect(Collectors.joining(",", "{", "}"));
        }
        if (value instanceof Collection<?> items) {
            return items.stream().map(Json::write).collect(Collectors.joining(",", "[", "]"));
        }
        return value == null || value instanceof Number || value instanceof Boolean ? String.valueOf(value) : quote(value.toString());
    }

    private static String quote(String text) {
        return text.chars().mapToObj(c -> c < ' ' || c == '"' || c == '\\' ? String.format("\\u%04x", c) : String.valueOf((char) c))
            .collect(Collectors.joining("", "\"", "\""));
    }

    private char next() {
        while (Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return text.charAt(at);
    }

    private boolean skip(char wanted) {
        boolean found = next() == wanted;
        at += found ? 1 : 0;
        return found;
    }

    private Object value() {
        switch (next()) {
            case '{' -> {
                Map<String, Object> found = new LinkedHashMap<>();
                for (at++; !skip('}'); skip(',')) {
                    next();
                    String name = string();
                    skip(':');
                    found.put(name, value());
                }
                return found;
            }
            case '[' -> {
                List<Object> found = new ArrayList<>();
                for (at++; !skip(']'); skip(',')) {
                    found.add(value());
                }
                return found;
            }
            case '"' -> { return string(); }
            default -> {
                String word = taken(SCALAR).group();
                return switch (word) {
                    case "null" -> null;
                    case "true" -> true;
                    case "false" -> false;
                    default -> word.matches("-?\\d+") ? (Object) Long.parseLong(word) : (Object) Double.parseDouble(word);
                };
            }
        }
    }

    private String string() {
        return ESCAPE.matcher(taken(STRING).group(1)).replaceAll(escape -> {
            String hex = escape.group(1);
            return Matcher.quoteReplacement(hex == null ? escape.group().translateEscapes() : Character.toString(Integer.parseInt(hex, 16)));
        });
    }

    private Matcher taken(Pattern pattern) {
        Matcher found = pattern.matcher(text).region(at, text.length());
        if (!found.lookingAt()) {
            throw new IllegalArgumentException("JSON expected at character " + at);
        }
        at = found.end();
        return found;
    }
}
