import java.util.Map;
import org.springframework.http.HttpEntity;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.web.client.HttpClientErrorException;
import org.springframework.web.client.RestTemplate;

/** The story with Spring's RestTemplate. */
public class WithRestTemplate {
    private static final RestTemplate CLIENT = new RestTemplate();

    private static Map<?, ?> data(HttpMethod method, String path, Object body, String token) {
        HttpHeaders headers = new HttpHeaders();
        headers.set("X-Vault-Token", token);
        HttpEntity<?> request = new HttpEntity<>(body, headers);
        return (Map<?, ?>) CLIENT.exchange(Story.ADDRESS + "/v1/" + path, method, request, Map.class).getBody().get("data");
    }

    private static int status(String path, String token) {
        try {
            data(HttpMethod.GET, path, null, token);
            return 200;
        } catch (HttpClientErrorException error) {
            return error.getStatusCode().value();
        }
    }

    public static void main(String[] arguments) {
        data(HttpMethod.POST, "secret/data/app/db", Map.of("data", Map.of("password", "s3cr3t")), Story.TOKEN);
        Map<?, ?> secret = (Map<?, ?>) data(HttpMethod.GET, "secret/data/app/db", null, Story.TOKEN).get("data");
        Object sealed = data(HttpMethod.POST, "transit/encrypt/orders", Map.of("plaintext", Story.PLAIN), Story.TOKEN).get("ciphertext");
        Object opened = data(HttpMethod.POST, "transit/decrypt/orders", Map.of("ciphertext", sealed), Story.TOKEN).get("plaintext");
        Story.print(secret.get("password"), status("secret/data/app/none", Story.TOKEN), (String) opened, status("secret/data/app/db", "other"));
    }
}
