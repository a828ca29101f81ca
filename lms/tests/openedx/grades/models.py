from django.db import models


class PersistentCourseGrade(models.Model):
    user_id = models.IntegerField()
    course_id = models.CharField(max_length=255)
    percent_grade = models.FloatField()
    letter_grade = models.CharField(max_length=255, blank=True)
    passed_timestamp = models.DateTimeField(null=True)
    modified = models.DateTimeField()
