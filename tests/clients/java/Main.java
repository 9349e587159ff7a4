/** Calls the guide's controller as Spring would: make a key, list all keys. */
public class Main {
    public static void main(String[] arguments) {
        KmsController controller = new KmsController();
        System.out.println(controller.createKey("spring-test-key").getBody());
        System.out.println(controller.listKeys().getBody());
    }
}
