import java.util.Base64;

/** What the programs print, and what they know from the environment. */
final class Story {
    static final String ADDRESS = System.getenv("VAULT_ADDR");
    static final String TOKEN = System.getenv("VAULT_TOKEN");
    static final String CA_FILE = System.getenv("VAULT_CACERT");
    static final String PLAIN = Base64.getEncoder().encodeToString("four score".getBytes());

    private Story() {}

    static void print(Object password, int absent, String plaintext, int refused) {
        System.out.printf("{\"password\": \"%s\", \"absent\": %d, \"plaintext\": \"%s\", \"refused\": %d}%n",
            password, absent, new String(Base64.getDecoder().decode(plaintext)), refused);
    }
}
