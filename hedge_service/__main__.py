"""`python -m hedge_service` is `hedge-service`."""

from hedge_service.cli import main

if __name__ == "__main__":
    main()
